// What runs, and the victim: a cheap request to every row, always on, and how long its answer takes.

import { ask, byName, health, number, startOf } from "./lab.js";

const EVERY_MS = 1000, PATIENCE_MS = 3000; // a row whose threads are all held does not answer at all
const OFTEN = 1, SELDOM = 15; // every so many rounds: rows that run, rows that do not

export function mount(section) {
  const lines = [...section.querySelectorAll("[data-row]")].map((line) => ({ line, row: line.dataset.row, absent: false, asking: false }));
  let round = 0;

  async function look(each) {
    if (each.asking) return;
    each.asking = true;
    const began = performance.now(), { ok, runs, status } = await health(byName[each.row], PATIENCE_MS);
    const took = performance.now() - began;
    each.asking = false;
    each.absent = !runs && byName[each.row].profiles.length > 0;
    each.line.hidden = each.absent;
    show(each.line, ok, status, took);
    if (ok && !each.told) each.told = await tell(each);
    const absent = lines.filter((one) => one.absent).map((one) => one.row);
    const told = absent.length ? `Not started: ${absent.join(", ")}. They come with ${startOf(absent.map((name) => byName[name]))}.` : "";
    const said = section.querySelector("#absent");
    if (said.textContent !== told) said.textContent = told; // a screen reader hears changes only
  }

  function tick() {
    if (!document.hidden) lines.filter(({ absent }) => round % (absent ? SELDOM : OFTEN) === 0).forEach(look);
    round += 1;
  }
  tick();
  setInterval(tick, EVERY_MS);
}

/** Versions, workers and limits, as the row says of itself. */
async function tell({ line, row }) {
  const { ok, body } = await ask(`/${row}/about`, PATIENCE_MS);
  if (!ok) return false;
  const about = JSON.parse(body);
  line.querySelector(".framework").textContent = about.framework;
  line.querySelector(".server").textContent = `${about.server}, Python ${about.python}`;
  line.querySelector(".workers").textContent = about.workers;
  line.querySelector(".cpus").textContent = about.cpus;
  line.querySelector(".memory").textContent = about.memory_limit ? `${number(about.memory_limit / 2 ** 20)} MiB at most` : "no limit";
  return true;
}

function show(line, ok, status, took) {
  const state = line.querySelector(".state");
  state.className = `state ${ok ? "up" : "down"}`;
  const told = ok ? "answers" : status ? "does not answer" : `no answer in ${PATIENCE_MS / 1000} s`;
  if (state.textContent !== told) state.textContent = told;
  line.querySelector(".latency").textContent = ok ? `${number(took)} ms` : "";
}
