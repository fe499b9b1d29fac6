// WebSockets: open them on a row until it stops answering, and see what happens to its plain requests.

import { ask, byName, chooser, element, missing, number, onReset, openSocket, side, threadsOf, wasReset } from "./lab.js";
import { watch } from "./victim.js";

const MOST = 32, VICTIM_MS = 2000;

export function mount(section) {
  const sockets = [];
  const row = chooser("Row", "flask", ({ framework }) => framework !== "none");
  const start = element("button", { type: "button", textContent: "Open sockets until it stops answering" });
  const end = element("button", { type: "button", textContent: "Close them", disabled: true });
  const open = element("div", { class: "big", textContent: "0" });
  const victim = element("div", { class: "big", textContent: "–" });
  const slots = element("div", { class: "clients", ariaHidden: "true" }, ...Array.from({ length: MOST }, () => element("i")));
  const says = element("p", { class: "says", role: "status" });
  const lane = element("div", { class: "lane is-wsgi" }, element("h3", {}, "open WebSockets"), open, slots);
  section.append(element("div", { class: "buttons" }, row.label, start, end),
    element("div", { class: "lanes" }, lane,
      element("div", { class: "lane" }, element("h3", {}, "a plain request meanwhile"), victim)), says);

  function closeAll() {
    sockets.splice(0).forEach((socket) => socket.close());
    slots.querySelectorAll("i").forEach((slot) => { slot.className = ""; });
    open.textContent = "0";
    victim.textContent = "–";
    end.disabled = true;
  }

  async function fill() {
    closeAll();
    start.disabled = true;
    const chosen = byName[row.select.value];
    watch(chosen.name);
    lane.className = `lane is-${side(chosen)}`;
    const signal = wasReset();
    says.textContent = await missing(chosen);
    const stopped = says.textContent || signal.aborted;
    if (!stopped) await openAll(chosen, signal, { sockets, open, slots, victim });
    start.disabled = false;
    if (!stopped && !signal.aborted) {
      end.disabled = false;
      says.textContent = told(chosen, sockets.length, victim.textContent);
    }
  }

  start.addEventListener("click", fill);
  end.addEventListener("click", () => { closeAll(); says.textContent = "Closed: the row answers again."; });
  onReset.addEventListener("reset", () => { closeAll(); says.textContent = ""; });
}

/** One after another, with a plain request after each, until the row no longer answers one of both. */
async function openAll(chosen, signal, { sockets, open, slots, victim }) {
  for (let place = 0; place < MOST; place += 1) {
    const socket = await openSocket(`/${chosen.name}/ws/echo`);
    if (signal.aborted) return;
    if (socket) sockets.push(socket);
    open.textContent = number(sockets.length);
    if (socket) slots.children[place].className = "wait-3";
    const began = performance.now(), { ok } = await ask(`/${chosen.name}/json`, VICTIM_MS), took = performance.now() - began;
    if (signal.aborted) return;
    victim.textContent = ok ? `${number(took)} ms` : "none";
    if (!socket || !ok) return;
  }
}

function told(row, held, victim) {
  const threads = threadsOf(row);
  if (victim !== "none" && held < MOST)
    return `${row.name} holds ${held} WebSockets, as many as the gateway lets one client hold. A plain request takes ${victim}.`;
  if (held === MOST) return `${row.name} holds ${MOST} WebSockets, and a plain request takes ${victim}.`;
  const why = threads && held === threads ? ` Its ${threads} threads are all held, one by each socket.` : "";
  return `${row.name} holds ${held} WebSockets and opens no more; plain requests to it get no answer in ${VICTIM_MS / 1000} s.${why}`;
}
