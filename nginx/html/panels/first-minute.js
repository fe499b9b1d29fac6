// The first minute: so many clients, each waits 100 ms and asks again. Two lanes, two large numbers.

import { ask, byName, element, missing, number, onReset, side, sleep, threadsOf, titled, wasReset } from "./lab.js";
import { mark, playing, recording, tellRun } from "./recorded.js";
import { watch } from "./victim.js";

const CLIENTS = 64, WAIT_MS = 100, SECONDS = 6, NOW_MS = 2000;
const EPISODES = [
  { name: "start", text: `${CLIENTS} clients, each waits ${WAIT_MS} ms`, lanes: [["flask", "/wait"], ["fastapi", "/wait"]] },
  { name: "fix-40", text: "Fix it: Flask on 40 threads", lanes: [["flask-40", "/wait"], ["fastapi", "/wait"]] },
  { name: "fix-gevent", text: "Fix it: Flask on gevent", lanes: [["flask-gevent", "/wait"], ["fastapi", "/wait"]] },
  { name: "break", text: "Break it: FastAPI with a blocking call", lanes: [["flask", "/wait"], ["fastapi", "/wait/blocking"]] },
];

class Lane {
  constructor([name, route]) {
    this.row = byName[name];
    this.path = `/${name}${route}?ms=${WAIT_MS}`;
    this.blocks = route === "/wait/blocking";
    this.came = Array.from({ length: CLIENTS }, () => []); // of each client when its answers came, in ms since the start
    this.failures = 0;
    this.rate = element("div", { class: "big", textContent: "0" });
    this.grid = element("div", { class: "clients", ariaHidden: "true" }, ...Array.from({ length: CLIENTS }, () => element("i")));
    const how = this.blocks ? "a blocking call inside async def" : titled(this.row);
    this.element = element("div", { class: `lane is-${side(this.row)}`, "data-lane": name },
      element("h3", {}, element("span", { class: side(this.row) }, name)),
      element("div", { class: "quiet" }, how), this.rate,
      element("div", { class: "quiet" }, "answers a second"), this.grid);
  }

  async client(place, began, signal) {
    while (!signal.aborted && performance.now() < began + SECONDS * 1000) {
      const { ok } = await ask(this.path);
      if (ok) this.came[place].push(Math.round(performance.now() - began));
      else if (!signal.aborted) {
        this.failures += 1;
        await sleep(200);
      }
    }
  }

  perSecond(moment) {
    const from = Math.max(0, moment - NOW_MS);
    const answers = this.came.reduce((sum, each) => sum + each.filter((at) => at >= from && at <= moment).length, 0);
    return answers / Math.max((moment - from) / 1000, 0.5);
  }

  draw(moment) {
    this.rate.textContent = number(this.perSecond(moment));
    this.came.forEach((each, client) => {
      const since = each.findLast((at) => at <= moment) ?? 0; // it asks again as soon as it is answered
      this.grid.children[client].className = `wait-${Math.min(Math.floor((moment - since) / (2 * WAIT_MS)), 3)}`;
    });
  }
}

export function mount(section) {
  const lanes = element("div", { class: "lanes" }), marked = element("div");
  const says = element("p", { class: "says", role: "status" });
  const buttons = EPISODES.map((episode, place) => element("button",
    { type: "button", class: place ? "" : "first", "data-episode": episode.name, onclick: () => play(episode) }, episode.text));
  section.append(element("div", { class: "buttons" }, ...buttons), marked, lanes, says);

  async function play(episode) {
    buttons.forEach((button) => { button.disabled = true; });
    const here = episode.lanes.map((lane) => new Lane(lane));
    lanes.replaceChildren(...here.map((lane) => lane.element));
    marked.replaceChildren();
    says.textContent = "";
    if (playing()) await again(episode, here);
    else await live(episode, here);
    buttons.forEach((button) => { button.disabled = false; });
  }

  async function live(episode, here) {
    const signal = wasReset(), absent = (await Promise.all(here.map((lane) => missing(lane.row)))).filter(Boolean);
    if (absent.length) says.textContent = `${absent.join(" ")}, or press Recorded.`;
    if (absent.length || signal.aborted) return;
    watch(...here.map((lane) => lane.row.name));
    const began = performance.now();
    const clients = here.flatMap((lane) => lane.came.map((_, place) => lane.client(place, began, signal)));
    await show(here, says, began, signal);
    await Promise.all(clients); // the next episode begins with idle rows
    tellRun(section, { name: `first-minute-${episode.name}`, lanes: here.map(({ came, failures }) => ({ came, failures })) });
  }

  async function again(episode, here) {
    const signal = wasReset(), run = await recording(`first-minute-${episode.name}`);
    if (!run || signal.aborted) return;
    marked.replaceChildren(mark(run));
    here.forEach((lane, place) => Object.assign(lane, run.lanes[place]));
    await show(here, says, performance.now(), signal);
  }

  onReset.addEventListener("reset", () => { lanes.replaceChildren(); marked.replaceChildren(); says.textContent = ""; });
}

/** Draws the lanes while they run, and says what came out. */
async function show(lanes, says, began, signal) {
  const drawing = setInterval(() => lanes.forEach((lane) => lane.draw(performance.now() - began)), 100);
  while (!signal.aborted && performance.now() < began + SECONDS * 1000) await sleep(50);
  clearInterval(drawing);
  if (signal.aborted) return;
  lanes.forEach((lane) => {
    lane.draw(SECONDS * 1000);
    lane.grid.querySelectorAll("i").forEach((client) => { client.className = ""; });
  });
  says.textContent = lanes.map((lane) => sentence(lane, lane.perSecond(SECONDS * 1000))).join(" ");
}

/** What this run has shown, and the formula that explains it. */
function sentence(lane, rate) {
  const name = lane.row.name, threads = threadsOf(lane.row), said = `${name} answered ${number(rate)} a second`;
  if (lane.failures) return `${said}; ${number(lane.failures)} requests failed.`;
  if (lane.blocks) return `${said}: the call blocks the event loop, so one request at a time: 1 ÷ 0.1 s = 10.`;
  const ceiling = threads / (WAIT_MS / 1000);
  if (threads && threads < CLIENTS) return `${said}. ${threads} threads, each held for ${WAIT_MS} ms: ${threads} ÷ 0.1 s = ${number(ceiling)} at most.`;
  return `${said}. Nothing is held while a client waits: ${CLIENTS} ÷ 0.1 s = ${number(CLIENTS / (WAIT_MS / 1000))} at most.`;
}
