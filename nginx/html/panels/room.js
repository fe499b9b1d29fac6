// The room: each phone that joins is one client, and one dot in the race for each row. Phones and the wall talk over the
// broadcast of a row. room.html is this panel alone: forty whole pages would keep the rows busy with their polling.

import { ask, byName, element, missing, number, onReset, openSocket, side, sleep, svg } from "./lab.js";

const CARRIER = "fastapi"; // carries what is said: a socket costs it no thread
const ROWS = ["flask", "fastapi"], WAIT_MS = 500, PATIENCE_MS = 60_000, AGAIN_MS = 2000;
const MOST = 1000, LEAST_APART_MS = 3000; // whoever is in the room can say anything: phones, and starts
const WIDTH = 480, HEIGHT = 180, SIDE = 10, AXIS = 26;
const random = () => Math.random().toString(36).slice(2, 10);

/** What is said in the room; joins it again when the connection is lost. */
class Room extends EventTarget {
  phones = new Set();
  dots = []; // {phone, row, began, ended, thread}: ms by the server's clock; `failed` instead where no answer came
  me = random();
  joined = false;
  closed = true;

  open() {
    if (!this.closed) return;
    this.closed = false;
    this.connect();
  }

  async connect() {
    const socket = await openSocket(`/${CARRIER}/ws/broadcast`, PATIENCE_MS);
    if (this.closed) { socket?.close(); return; }
    this.socket = socket;
    if (!socket) { await this.again(); return; }
    socket.addEventListener("message", ({ data }) => { this.hear(data); this.dispatchEvent(new Event("news")); });
    socket.addEventListener("close", () => { this.dispatchEvent(new Event("news")); this.again(); });
    if (this.joined) this.join(); else this.say({ kind: "who" });
    this.dispatchEvent(new Event("news"));
  }

  async again() {
    await sleep(AGAIN_MS);
    if (!this.closed) this.connect();
  }

  close() {
    if (this.joined) this.say({ kind: "left", phone: this.me });
    this.closed = true;
    this.joined = false;
    this.socket?.close();
    this.phones.clear();
    this.dots = [];
  }

  get inside() { return this.socket?.readyState === WebSocket.OPEN; }

  say(what) {
    if (this.inside) this.socket.send(JSON.stringify(what));
  }

  join() {
    this.joined = true;
    this.open();
    this.say({ kind: "here", phone: this.me });
  }

  start() { this.say({ kind: "start", race: random() }); }

  hear(data) {
    const said = understood(data);
    if (said.kind === "who" && this.joined) this.say({ kind: "here", phone: this.me });
    if (said.kind === "here" && this.phones.size < MOST) this.phones.add(said.phone);
    if (said.kind === "left") this.phones.delete(said.phone);
    if (said.kind === "start" && performance.now() - (this.began ?? -Infinity) > LEAST_APART_MS) {
      this.began = performance.now();
      this.race = said.race;
      this.dots = [];
      if (this.joined) ROWS.forEach((row) => this.run(row));
    }
    if (said.kind === "dot" && said.race === this.race && ROWS.includes(said.row) && this.dots.length < MOST) this.dots.push(said);
  }

  async run(row) {
    const { race, me: phone } = this, { ok, body } = await ask(`/${row}/timed/wait?ms=${WAIT_MS}`, PATIENCE_MS);
    const { began_ms: began, ended_ms: ended, thread } = ok ? JSON.parse(body) : {};
    this.say({ kind: "dot", race, phone, row, ...(ok ? { began, ended, thread } : { failed: true }) });
  }
}

/** A message of the room; {} for what is none. */
function understood(data) {
  try {
    const said = JSON.parse(data);
    const timed = said.failed || (Number.isFinite(said.began) && Number.isFinite(said.ended));
    return typeof said === "object" && (said.kind !== "dot" || timed) ? said : {};
  } catch {
    return {};
  }
}

export function mount(section) {
  const room = new Room(), onPhone = "join" in section.dataset;
  const open = element("button", { type: "button", class: "first", textContent: "Open the room" });
  const start = element("button", { type: "button", textContent: "Start everybody", disabled: true });
  const join = element("button", { type: "button", textContent: "Join with this browser" });
  const count = element("p", { class: "says", role: "status" }), charts = element("div", { class: "lanes" });
  const says = element("p", { class: "says", role: "status" });
  if (!onPhone) section.append(element("div", { class: "buttons" }, open, start, join));
  section.append(count, charts, says);

  function draw() {
    const phones = room.phones.size;
    open.disabled = !room.closed;
    start.disabled = room.closed || !phones;
    join.disabled = room.joined;
    const who = onPhone ? "You are in the room." : `Clients in the room: ${number(phones)}`;
    count.textContent = room.closed ? "" : room.inside ? who : "Connecting to the room…";
    const drawn = room.dots.length ? ROWS.map((row) => lane(row, room.dots, room.me)) : [];
    charts.replaceChildren(...drawn);
    const told = ROWS.map((row) => onPhone ? mine(row, room) : sentence(row, room.dots, phones)).join(" ");
    if (says.textContent !== told) says.textContent = told;
  }

  async function enter(how) {
    const absent = (await Promise.all(ROWS.map((row) => missing(byName[row])))).filter(Boolean);
    if (absent.length) count.textContent = absent.join(" ");
    else { how(); draw(); }
  }

  room.addEventListener("news", draw);
  open.addEventListener("click", () => enter(() => room.open()));
  join.addEventListener("click", () => enter(() => room.join()));
  start.addEventListener("click", () => room.start());
  onReset.addEventListener("reset", () => { room.close(); draw(); });
  addEventListener("pagehide", () => room.close());
  if (onPhone) {
    enter(() => room.join());
    addEventListener("pageshow", ({ persisted }) => { if (persisted) room.join(); });
  }
}

const answers = (row, dots) => dots.filter((dot) => dot.row === row && !dot.failed).sort((a, b) => a.ended - b.ended);

/** A row's answers: when each came, by the server's clock, since the first began. */
function lane(row, dots, me) {
  const begin = Math.min(...dots.map((dot) => dot.began ?? Infinity)), here = answers(row, dots), kind = side(byName[row]);
  const end = Math.max(...dots.map((dot) => dot.ended ?? -Infinity), begin + WAIT_MS) - begin;
  const x = (ms) => SIDE + ms / end * (WIDTH - 2 * SIDE), y = (place) => (place + 0.5) / here.length * (HEIGHT - AXIS);
  const chart = svg("svg", { class: "chart dots", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
    "aria-label": `${row}: ${here.length} answers` });
  for (const ms of [0, end / 2, end]) {
    chart.append(svg("line", { x1: x(ms), x2: x(ms), y1: 0, y2: HEIGHT - AXIS }),
      svg("text", { x: x(ms), y: HEIGHT - 8, "text-anchor": ms === 0 ? "start" : ms === end ? "end" : "middle" }, `${number(ms)} ms`));
  }
  here.forEach((dot, place) => chart.append(svg("circle",
    { cx: x(dot.ended - begin), cy: y(place), r: 6, class: dot.phone === me ? `in-${kind} mine` : `in-${kind}` })));
  return element("div", { "data-lane": row }, element("h3", {}, element("span", { class: kind }, row)), chart);
}

/** How all of a row's answers came, once they are there. */
function sentence(row, dots, phones) {
  const here = answers(row, dots), failed = dots.filter((dot) => dot.row === row && dot.failed).length;
  if (!dots.length || here.length + failed < phones) return "";
  if (failed) return `${row}: ${failed} of ${phones} clients got no answer.`;
  const took = here.at(-1).ended - Math.min(...here.map((dot) => dot.began)), threads = new Set(here.map((dot) => dot.thread)).size;
  return `${row}: all ${here.length} waited ${WAIT_MS} ms, the last was done after ${number(took)} ms, on ` +
    `${threads} thread${threads === 1 ? "" : "s"}.`;
}

/** How this phone's own answer came. */
function mine(row, { dots, me }) {
  const here = answers(row, dots), place = here.findIndex((dot) => dot.phone === me);
  if (place < 0) return dots.some((dot) => dot.row === row && dot.phone === me) ? `${row} did not answer you.` : "";
  const waited = here[place].ended - Math.min(...dots.map((dot) => dot.began ?? Infinity));
  return `${row} answered you after ${number(waited)} ms, ${place + 1} of ${here.length}.`;
}

const alone = document.querySelector("[data-join]");
if (alone) mount(alone);
