// Server-sent events of both rows, one by one, as they come, and the threads that the streams hold meanwhile.

import { PROTOCOLS, ask, byName, element, laneOf, missing, number, onReset, sleep, threadsOf, wasReset } from "./lab.js";

const ROWS = ["flask", "fastapi"], STREAMS = 4, EVENTS = 12, INTERVAL_MS = 250;
const COUNT_AFTER_MS = 1000, ASK_MS = 50; // while all streams are open, so many ms of waiting show the threads that are free

export function mount(section) {
  const start = element("button", { type: "button", class: "first", textContent: `Open ${STREAMS} streams of each: ${EVENTS} events, one every ${INTERVAL_MS} ms` });
  const lanes = element("div", { class: "lanes" }), says = element("p", { class: "says", role: "status" });
  section.append(element("div", { class: "buttons" }, start), lanes, says);
  start.addEventListener("click", async () => {
    start.disabled = true;
    says.textContent = "";
    const signal = wasReset(), rows = ROWS.map((name) => byName[name]);
    const absent = (await Promise.all(rows.map(missing))).filter(Boolean);
    const told = absent.length || signal.aborted ? absent : await Promise.all(rows.map((row) => streams(row, lanes, signal)));
    if (!signal.aborted) says.textContent = told.join(" ");
    start.disabled = false;
  });
  onReset.addEventListener("reset", () => { lanes.replaceChildren(); says.textContent = ""; });
}

/** Some streams of one row at once; what they came to, in a sentence. */
async function streams(row, lanes, signal) {
  const lines = Array.from({ length: STREAMS }, () => element("div", { class: "clients events", ariaHidden: "true" },
    ...Array.from({ length: EVENTS }, () => element("i"))));
  const held = element("div", { class: "big", textContent: "–" });
  lanes.querySelector(`[data-lane=${row.name}]`)?.remove();
  lanes.append(laneOf(row, held, element("div", { class: "quiet" }, "threads held"), ...lines));
  const counting = sleep(COUNT_AFTER_MS).then(() => (signal.aborted ? null : threadsHeld(row)));
  counting.then((count) => { held.textContent = count ?? "–"; });
  const came = (await Promise.all(lines.map((line) => follow(row, line, signal)))).filter(Boolean);
  const count = await counting, { name } = row;
  if (came.length < STREAMS) return `${name}: ${STREAMS - came.length} of ${STREAMS} streams ended early.`;
  const last = Math.max(...came.map((times) => times.at(-1)));
  const threads = threadsOf(row), why = count === null ? " Threads can be counted over HTTP/2 only: here the streams take the browser's connections."
    : threads ? ` ${count} of ${threads} threads were held: ${threads - count} went on answering.` : " They held no thread: its event loop went on answering.";
  return `${name}: ${STREAMS} × ${EVENTS} events, the last after ${number(last)} ms.${why}`;
}

/** How many threads do not answer: so many requests wait at once that every thread that is free must take one. */
async function threadsHeld(row) {
  const [page] = performance.getEntriesByType("navigation");
  if (PROTOCOLS[page?.nextHopProtocol] === PROTOCOLS["http/1.1"]) return null;
  const threads = threadsOf(row), asked = Array.from({ length: 2 * Math.max(threads, STREAMS) }, () => ask(`/${row.name}/timed/wait?ms=${ASK_MS}`));
  const answers = (await Promise.all(asked)).filter(({ ok }) => ok).map(({ body }) => JSON.parse(body));
  const seen = new Set(answers.map(({ worker, thread }) => `${worker} ${thread}`)).size;
  return threads ? Math.max(threads - seen, 0) : 0;
}

/** When each event came, in ms; null where the stream broke off. */
async function follow(row, line, signal) {
  const came = [], began = performance.now();
  try {
    const response = await fetch(`/${row.name}/stream?events=${EVENTS}&interval_ms=${INTERVAL_MS}`, { signal, cache: "no-store" });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const { done, value } = await reader.read();
      if (done) break;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      events.forEach(() => {
        came.push(performance.now() - began);
        line.children[came.length - 1].className = "wait-3";
      });
    }
  } catch {
    return null;
  }
  return came.length === EVENTS ? came : null;
}
