// What every panel needs: the rows, requests with a time limit, elements, and what to end at a reset.

export const PATIENCE_MS = 15_000; // a row whose threads are all held would keep a panel waiting for ever
const NOT_RUNNING = 204; // what the gateway says of a row where nothing listens
/** The commands that start further rows. */
export function startOf(rows) {
  const profiles = [...new Set(rows.flatMap((row) => row.profiles))].map((name) => `--profile ${name}`).join(" ");
  return `docker compose ${profiles} up --detach, or lab up ${profiles}`;
}

export const PROTOCOLS = { h2: "HTTP/2", h3: "HTTP/3", "http/1.1": "HTTP/1.1" }; // as the browser names them, and people

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

/** What a panel shows of a row: its name, what it is, and more. */
export function laneOf(row, ...children) {
  return element("div", { class: `lane is-${side(row)}`, "data-lane": row.name },
    element("h3", {}, element("span", { class: side(row) }, row.name)), element("div", { class: "quiet" }, titled(row)), ...children);
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
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

export const rows = JSON.parse((await ask("/rows.json")).body);
export const byName = Object.fromEntries(rows.map((row) => [row.name, row]));

/** Whether a row is there (`runs`), and whether it answers in time (`ok`). */
export async function health(row, patienceMs = 3000) {
  const { ok, status } = await ask(`/-/up/${row.name}`, patienceMs);
  return { ok: ok && status !== NOT_RUNNING, runs: status !== NOT_RUNNING, status };
}

/** What to do where a row does not run; empty where it does. */
export async function missing(row) {
  return !(await health(row)).runs ? `${row.name} is not started: ${startOf([row])}` : "";
}

/** A WebSocket that is open; null where it does not open in time. A reset closes it. */
export function openSocket(path, patienceMs = 2000) {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
  running.signal.addEventListener("abort", () => socket.close());
  const answer = new Promise((done) => {
    socket.addEventListener("open", () => done(socket));
    socket.addEventListener("error", () => done(null));
  });
  const late = sleep(patienceMs).then(() => { if (socket.readyState !== WebSocket.OPEN) socket.close(); return null; });
  return Promise.race([answer, late]);
}

/** The options of a select: rows that pass, each by its title. */
export function chooser(label, chosen, passes = () => true) {
  const options = rows.filter(passes).map((row) =>
    element("option", { value: row.name, selected: row.name === chosen }, `${row.name}: ${titled(row)}`));
  const select = element("select", {}, ...options);
  return { select, label: element("label", {}, label, select) };
}
