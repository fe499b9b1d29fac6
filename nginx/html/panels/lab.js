// What every panel needs: the rows, requests with a time limit, elements, and what to end at a reset.

export const rows = await (await fetch("/rows.json")).json();
export const byName = Object.fromEntries(rows.map((row) => [row.name, row]));
export const PATIENCE_MS = 15_000; // a row whose threads are all held would keep a panel waiting for ever
export const NOT_RUNNING = 502; // what the gateway says where nothing listens
export const START_ALL = "docker compose --profile variants --profile apart up --detach, or lab up --profile variants --profile apart";

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export const side = (row) => row.interface.toLowerCase(); // the class that colours it
export const threadsOf = (row) => Number(/^(\d+) threads$/.exec(row.model)?.[1] ?? 0); // 0: no pool that could run out
export const titled = (row) =>
  `${row.framework === "none" ? `bare ${row.interface}` : row.framework} on ${row.server}, ${row.model}`;

/** A number as people read it. */
export function number(value, digits = 0) {
  return value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** An element with properties and children; `class` and `data-…` are attributes. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function svg(name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

// All that runs now: Reset ends it.
let running = new AbortController();
export const onReset = new EventTarget();

export function reset() {
  running.abort();
  running = new AbortController();
  onReset.dispatchEvent(new Event("reset"));
}

/** A request that ends with a reset and with its own time limit. Never throws: `ok`, `status` (0: no answer), `body`. */
export async function ask(path, patienceMs = PATIENCE_MS) {
  const signal = AbortSignal.any([running.signal, AbortSignal.timeout(patienceMs)]);
  for (let left = 3; ; left -= 1) {
    try {
      const response = await fetch(path, { cache: "no-store", signal });
      const body = await response.text();
      return { ok: response.ok, status: response.status, body };
    } catch {
      // A browser drops all it has under way when the machine gets or loses a network, as with every container.
      if (signal.aborted || !left) return { ok: false, status: 0, body: "" };
    }
  }
}

export const wasReset = () => running.signal;

/** Whether a row runs; what to do where it does not. */
export async function missing(row) {
  const { status } = await ask(`/${row.name}/health`, 3000);
  return status === NOT_RUNNING ? `${row.name} is not started: ${START_ALL}` : "";
}

export function webSocket(path) {
  return new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
}

/** The options of a select: rows that pass, each by its title. */
export function chooser(label, chosen, passes = () => true) {
  const options = rows.filter(passes).map((row) =>
    element("option", { value: row.name, selected: row.name === chosen }, `${row.name}: ${titled(row)}`));
  const select = element("select", {}, ...options);
  return { select, label: element("label", {}, label, select) };
}
