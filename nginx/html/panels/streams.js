// Server-sent events of both rows, one by one, as they come.

import { element, number, onReset, rows, side, wasReset } from "./lab.js";

const EVENTS = 12, INTERVAL_MS = 250;

export function mount(section) {
  const start = element("button", { type: "button", textContent: `Stream ${EVENTS} events, one every ${INTERVAL_MS} ms` });
  const lanes = element("div", { class: "lanes" }), says = element("p", { class: "says", role: "status" });
  section.append(element("div", { class: "buttons" }, start), lanes, says);
  start.addEventListener("click", async () => {
    start.disabled = true;
    const both = rows.filter(({ name }) => name === "flask" || name === "fastapi");
    lanes.replaceChildren();
    const told = await Promise.all(both.map((row) => follow(row, lanes)));
    says.textContent = told.join(" ");
    start.disabled = false;
  });
  onReset.addEventListener("reset", () => { lanes.replaceChildren(); says.textContent = ""; start.disabled = false; });
}

async function follow(row, lanes) {
  const dots = element("div", { class: "clients", ariaHidden: "true" }, ...Array.from({ length: EVENTS }, () => element("i")));
  lanes.append(element("div", { class: `lane is-${side(row)}` }, element("h3", {}, element("span", { class: side(row) }, row.name)), dots));
  const came = [], began = performance.now();
  try {
    const response = await fetch(`/${row.name}/stream?events=${EVENTS}&interval_ms=${INTERVAL_MS}`, { signal: wasReset(), cache: "no-store" });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const { done, value } = await reader.read();
      if (done) break;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      events.forEach(() => {
        came.push(performance.now() - began);
        dots.children[came.length - 1].className = "wait-3";
      });
    }
  } catch {
    return `${row.name}: the stream ended early.`;
  }
  return `${row.name}: ${came.length} events, the first after ${number(came[0])} ms, the last after ${number(came.at(-1))} ms.`;
}
