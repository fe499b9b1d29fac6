// The first minute: so many clients, each waits 100 ms and asks again. Two lanes, two large numbers.

import { ask, byName, element, missing, number, onReset, side, sleep, threadsOf, titled, wasReset } from "./lab.js";
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
    this.answers = []; // when each came, in performance.now()'s ms
    this.failures = 0;
    this.since = new Array(CLIENTS).fill(0); // when each client asked
    this.rate = element("div", { class: "big", textContent: "0" });
    this.grid = element("div", { class: "clients", ariaHidden: "true" }, ...Array.from({ length: CLIENTS }, () => element("i")));
    const how = this.blocks ? "a blocking call inside async def" : titled(this.row);
    this.element = element("div", { class: `lane is-${side(this.row)}`, "data-lane": name },
      element("h3", {}, element("span", { class: side(this.row) }, name)),
      element("div", { class: "quiet" }, how), this.rate,
      element("div", { class: "quiet" }, "answers a second"), this.grid);
  }

  async client(number, until) {
    while (performance.now() < until) {
      this.since[number] = performance.now();
      const { ok } = await ask(this.path);
      if (ok) this.answers.push(performance.now());
      else this.failures += 1;
      this.since[number] = 0;
      if (!ok) await sleep(200);
    }
  }

  perSecond(began) {
    const now = performance.now(), from = Math.max(began, now - NOW_MS);
    return this.answers.filter((at) => at >= from).length / Math.max((now - from) / 1000, 0.5);
  }

  draw(began) {
    this.rate.textContent = number(this.perSecond(began));
    const now = performance.now();
    this.since.forEach((since, client) => {
      const waited = since ? Math.min(Math.floor((now - since) / (2 * WAIT_MS)), 3) : -1;
      this.grid.children[client].className = waited < 0 ? "" : `wait-${waited}`;
    });
  }
}

export function mount(section) {
  const lanes = element("div", { class: "lanes" });
  const says = element("p", { class: "says", role: "status" });
  const buttons = EPISODES.map((episode, place) => element("button",
    { type: "button", class: place ? "" : "first", "data-episode": episode.name, onclick: () => play(episode) }, episode.text));
  section.append(element("div", { class: "buttons" }, ...buttons), lanes, says);

  async function play(episode) {
    buttons.forEach((button) => { button.disabled = true; });
    const here = episode.lanes.map((lane) => new Lane(lane));
    lanes.replaceChildren(...here.map((lane) => lane.element));
    says.textContent = "";
    const absent = (await Promise.all(here.map((lane) => missing(lane.row)))).filter(Boolean);
    if (absent.length) says.textContent = absent.join(" ");
    else {
      watch(...here.map((lane) => lane.row.name));
      await run(here, says);
    }
    buttons.forEach((button) => { button.disabled = false; });
  }

  onReset.addEventListener("reset", () => { lanes.replaceChildren(); says.textContent = ""; });
}

async function run(lanes, says) {
  const signal = wasReset(), began = performance.now(), until = began + SECONDS * 1000;
  const drawing = setInterval(() => lanes.forEach((lane) => lane.draw(began)), 100);
  const clients = lanes.flatMap((lane) => Array.from({ length: CLIENTS }, (_, place) => lane.client(place, until)));
  await sleep(until - performance.now());
  const rates = lanes.map((lane) => lane.perSecond(began));
  clearInterval(drawing);
  if (signal.aborted) return;
  lanes.forEach((lane, place) => { lane.rate.textContent = number(rates[place]); });
  says.textContent = lanes.map((lane, place) => sentence(lane, rates[place])).join(" ");
  await Promise.all(clients); // the next episode begins with idle rows
  lanes.forEach((lane) => lane.grid.querySelectorAll("i").forEach((client) => { client.className = ""; }));
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
