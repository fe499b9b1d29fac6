// The race: N requests to two rows at once. Every request is a bar, and where its time went is by the server's own clock.

import { ask, byName, chooser, element, missing, number, onReset, side, sleep, svg, threadsOf, wasReset } from "./lab.js";
import { mark, playing, recording, tellRun } from "./recorded.js";
import { watch } from "./victim.js";

const WORK = {
  wait: { text: "wait 100 ms", path: "/timed/wait?ms=100", each_s: 0.1 },
  blocking: { text: "wait 100 ms, FastAPI blocks its event loop", path: "/timed/wait/blocking?ms=100", each_s: 0.1 },
  cpu: { text: "CPU work, 100,000 rounds", path: "/timed/cpu?rounds=100000" },
  db: { text: "ten database queries", path: "/timed/db?queries=10" },
};
const WIDTH = 960, LEFT = 8, BAR = 5, GAP = 1, AXIS = 26, QUIET_FOR = 0.25; // the replay's speed
const PINGS = 7; // to learn how far the server's clock is from ours

class Racer {
  constructor(row, bars = []) {
    this.row = row;
    this.bars = bars; // {sent, began, ended, received, worker, thread, failed}: ms since the start of the race
  }

  /** The server's clock minus ours in ms, from the quickest of a few requests. */
  async clock() {
    let best = { took: Infinity, off: 0 };
    for (let ping = 0; ping < PINGS; ping += 1) {
      const sent = now(), { ok, body } = await ask(`/${this.row.name}/timed/wait?ms=0`), received = now();
      if (!ok) continue;
      const { began_ms: began, ended_ms: ended } = JSON.parse(body);
      if (received - sent < best.took) best = { took: received - sent, off: (began + ended - sent - received) / 2 };
    }
    this.off = best.off;
  }

  async request(work, start) {
    const bar = { sent: now() - start };
    this.bars.push(bar);
    const path = this.row.framework === "Flask" ? work.path.replace("/blocking", "") : work.path;
    const { ok, body } = await ask(`/${this.row.name}${path}`, 60_000);
    bar.received = now() - start;
    if (!ok) bar.failed = true;
    else {
      const said = JSON.parse(body);
      Object.assign(bar, { began: said.began_ms - this.off - start, ended: said.ended_ms - this.off - start,
        worker: said.worker, thread: said.thread });
    }
  }

  get finished() { return this.bars.length ? Math.max(...this.bars.map((bar) => bar.received ?? 0)) : 0; }
}

const now = () => performance.timeOrigin + performance.now();

export function mount(section) {
  const { one, other, work, count, guess, start, again, marked, charts, says } = controls(section);
  restore(one, other, work, count);
  let last = null;

  function clear() {
    marked.replaceChildren();
    charts.replaceChildren();
    says.textContent = "";
    last = null;
    again.disabled = true;
  }

  start.addEventListener("click", async () => {
    const signal = wasReset();
    clear();
    start.disabled = true;
    const result = await (playing() ? recorded(signal) : live(signal));
    start.disabled = false;
    if (signal.aborted || !result) return;
    last = result;
    again.disabled = false;
  });

  async function live(signal) {
    const racers = [one, other].map(({ value }) => new Racer(byName[value]));
    const absent = (await Promise.all(racers.map((racer) => missing(racer.row)))).filter(Boolean);
    keep(one, other, work, count);
    if (absent.length && !signal.aborted) says.textContent = `${absent.join(" ")}, or press Recorded.`;
    if (absent.length || signal.aborted) return null;
    watch(...racers.map((racer) => racer.row.name));
    const requests = Math.min(Math.max(Number(count.value) || 60, 1), 100);
    const result = await race(racers, WORK[work.value], requests, charts, says, Number(guess.value));
    if (result) tellRun(section, { name: `race-${work.value}`, count: requests, racers: racers.map(({ row, bars }) => ({ row: row.name, bars })) });
    return result;
  }

  async function recorded(signal) {
    const run = await recording(`race-${work.value}`);
    if (!run || signal.aborted) return null;
    marked.replaceChildren(mark(run));
    const racers = run.racers.map(({ row, bars }) => new Racer(byName[row], bars));
    const result = { racers, work: WORK[work.value], count: run.count, guess: Number(guess.value) };
    return await replay(result, charts, 1) && told(result, says);
  }

  again.addEventListener("click", () => replay(last, charts, QUIET_FOR));
  onReset.addEventListener("reset", clear);
}

/** What the panel is made of. */
function controls(section) {
  const raceable = (row) => row.framework !== "none";
  const one = chooser("First", "flask", raceable), other = chooser("Second", "fastapi", raceable);
  const work = element("select", {}, ...Object.entries(WORK).map(([name, { text }]) => element("option", { value: name }, text)));
  const count = element("input", { type: "number", min: 1, max: 100, value: 60 });
  const guess = element("input", { type: "range", min: -10, max: 10, value: 0, step: 1 });
  const guessed = element("output", {}, "no guess");
  guess.addEventListener("input", () => { guessed.textContent = inWords(Number(guess.value), one.select.value, other.select.value); });
  const start = element("button", { type: "button", class: "first", textContent: "Race" });
  const again = element("button", { type: "button", textContent: "Replay at quarter speed", disabled: true });
  const charts = element("div", {}), marked = element("div"), says = element("p", { class: "says", role: "status" });
  section.append(
    element("div", { class: "buttons" }, one.label, other.label,
      element("label", {}, "Work", work), element("label", {}, "Requests", count)),
    element("div", { class: "buttons" }, element("label", {}, "Guess first", guess, guessed), start, again),
    key(), marked, charts, says);
  return { one: one.select, other: other.select, work, count, guess, start, again, marked, charts, says };
}

function told(result, says) {
  says.textContent = sentence(result);
  return result;
}

/** Both rows get their requests at the same moment; the chart grows as answers come. */
async function race(racers, work, count, charts, says, guess) {
  const signal = wasReset();
  says.textContent = "setting the clocks";
  for (const racer of racers) await racer.clock();
  if (signal.aborted) return null;
  says.textContent = "";
  const start = now();
  const requests = [];
  for (let number = 0; number < count; number += 1) for (const racer of racers) requests.push(racer.request(work, start));
  const drawing = setInterval(() => draw(racers, charts, now() - start, count), 80);
  await Promise.all(requests);
  clearInterval(drawing);
  if (signal.aborted) return null;
  const result = { racers, work, count, guess };
  draw(racers, charts, Infinity, count, guess);
  return told(result, says);
}

/** The race as it was, at some speed; whether it came to its end before a reset. */
async function replay({ racers, count, guess }, charts, speed) {
  const signal = wasReset(), end = Math.max(...racers.map((racer) => racer.finished)), began = now();
  while (!signal.aborted && (now() - began) * speed < end) {
    draw(racers, charts, (now() - began) * speed, count);
    await sleep(50);
  }
  if (!signal.aborted) draw(racers, charts, Infinity, count, guess);
  return !signal.aborted;
}

/** The bars as they were at this moment of the race, in ms since its start. */
function draw(racers, charts, moment, count, guess = 0) {
  const end = Math.max(...racers.map((racer) => racer.finished), Math.min(moment, 60_000) === moment ? moment : 0, 200);
  const x = (ms) => LEFT + Math.max(ms, 0) / end * (WIDTH - 2 * LEFT);
  const height = count * (BAR + GAP) + AXIS;
  charts.replaceChildren(...racers.map((racer) => {
    const chart = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${height}`, role: "img",
      "aria-label": `${racer.row.name}: ${racer.bars.length} requests, ${number(racer.finished)} ms` });
    const ordered = [...racer.bars].sort((a, b) => (a.began ?? Infinity) - (b.began ?? Infinity));
    for (const tick of ticks(end)) {
      chart.append(svg("line", { x1: x(tick), x2: x(tick), y1: 0, y2: height - AXIS + 4 }),
        svg("text", { x: x(tick), y: height - 8, "text-anchor": tick ? "middle" : "start" }, `${number(tick)} ms`));
    }
    ordered.forEach((bar, place) => chart.append(...parts(bar, racer, place * (BAR + GAP), moment, x)));
    const [faster, slower] = guess < 0 ? racers : [...racers].reverse();
    if (Math.abs(guess) > 1 && racer === slower) { // when it would have finished, had the guess been right
      const at = Math.min(x(faster.finished * Math.abs(guess)), WIDTH - LEFT);
      chart.append(svg("line", { class: "guess", x1: at, x2: at, y1: 0, y2: height - AXIS }));
    }
    const title = element("h3", {}, element("span", { class: side(racer.row) }, racer.row.name));
    return element("div", { "data-racer": racer.row.name }, title, chart);
  }));
}

/** A bar in its parts: queued before the service began, in the service, on the way back. */
function parts(bar, racer, y, moment, x) {
  const until = (ms) => Math.min(ms ?? moment, moment);
  const part = (from, to, kind) => (to > from
    ? [svg("rect", { x: x(from), y, width: Math.max(x(to) - x(from), 1), height: BAR, class: kind })] : []);
  if (bar.sent > moment) return [];
  if (bar.failed) return part(bar.sent, until(bar.received), "failed");
  const drawn = [
    ...part(bar.sent, until(bar.began), "queued"),
    ...part(bar.began ?? Infinity, until(bar.ended), `in-${side(racer.row)}`),
    ...part(bar.ended ?? Infinity, until(bar.received), "back"),
  ];
  if (bar.received) {
    const told = `queued ${number(bar.began - bar.sent)} ms, in the service ${number(bar.ended - bar.began)} ms, ` +
      `back ${number(bar.received - bar.ended)} ms; worker ${bar.worker}, thread ${bar.thread}`;
    drawn.forEach((rect) => rect.append(svg("title", {}, told)));
  }
  return drawn;
}

function ticks(end) {
  const step = [50, 100, 200, 500, 1000, 2000, 5000, 10_000].find((each) => end / each <= 8) ?? 20_000;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, place) => place * step);
}

/** In numbers of this run, and the formula that explains them. */
function sentence({ racers, work, count, guess }) {
  const told = racers.map((racer) => {
    const failed = racer.bars.filter((bar) => bar.failed).length;
    if (failed) return `${racer.row.name}: ${failed} of ${count} requests failed.`;
    const queued = racer.bars.map((bar) => bar.began - bar.sent).sort((a, b) => a - b);
    const threads = new Set(racer.bars.map((bar) => `${bar.worker} ${bar.thread}`)).size;
    const pool = threadsOf(racer.row), rounds = Math.ceil(count / pool);
    const formula = work.each_s && pool
      ? ` ${count} ÷ ${pool} threads × ${work.each_s} s = ${number(rounds * work.each_s, 1)} s at least.` : "";
    return `${racer.row.name}: all ${count} after ${number(racer.finished)} ms, on ${threads} thread${threads === 1 ? "" : "s"}; ` +
      `half of them were queued for more than ${number(Math.max(queued[Math.floor(count / 2)], 0))} ms.${formula}`;
  });
  const [first, second] = racers.map((racer) => racer.finished);
  const ratio = Math.max(first, second) / Math.min(first, second);
  const winner = racers[first < second ? 0 : 1].row.name;
  if (racers.some((racer) => racer.bars.some((bar) => bar.failed))) return told.join(" ");
  const verdict = ratio < 1.1 ? "A tie, within a tenth." : `${winner} was ${number(ratio, 1)} times as fast.`;
  const hit = guess ? ` The guess: ${inWords(guess, racers[0].row.name, racers[1].row.name)}.` : "";
  return `${verdict} ${told.join(" ")}${hit}`;
}

const inWords = (guess, one, other) =>
  Math.abs(guess) < 2 ? "a tie" : `${guess < 0 ? one : other} is ${Math.abs(guess)} times as fast`;

function key() {
  return element("p", { class: "quiet key" }, "Each bar is one request:",
    element("i", { class: "k-queued" }), "queued before the service began", element("i", { class: "k-in" }), "in the service",
    element("i", { class: "k-back" }), "on the way back. Point at a bar for its worker and thread.");
}

// A race is kept as a link.

function keep(one, other, work, count) {
  history.replaceState(null, "", `#race=${[one.value, other.value, work.value, count.value].map(encodeURIComponent).join(",")}`);
}

function restore(one, other, work, count) {
  const kept = /^#race=([\w-]+),([\w-]+),(\w+),(\d+)$/.exec(location.hash);
  if (kept) [one.value, other.value, work.value, count.value] = kept.slice(1);
}
