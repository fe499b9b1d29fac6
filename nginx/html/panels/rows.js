// What runs, and the victim: a cheap request to every row, always on, and how long its answer takes.

import { NOT_RUNNING, START_ALL, ask, number } from "./lab.js";

const EVERY_MS = 1000, PATIENCE_MS = 3000; // a row whose threads are all held does not answer at all
const OFTEN = 1, SELDOM = 15; // every so many rounds: rows that run, rows that do not

export function mount(section) {
  const lines = [...section.querySelectorAll("[data-row]")].map((line) => ({ line, row: line.dataset.row, absent: false, asking: false }));
  let round = 0;

  async function look(each) {
    if (each.asking) return;
    each.asking = true;
    const began = performance.now(), { ok, status } = await ask(`/${each.row}/health`, PATIENCE_MS);
    const took = performance.now() - began;
    each.asking = false;
    each.absent = status === NOT_RUNNING;
    show(each.line, ok, status, took);
    if (ok && !each.told) each.told = await tell(each);
    section.querySelector("#absent").textContent = lines.some(({ absent }) => absent)
      ? `Rows that are not started: ${START_ALL}.` : "";
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
  const about = JSON.parse(body), workers = about.settings.WEB_CONCURRENCY ?? about.settings.GRANIAN_WORKERS;
  line.querySelector(".framework").textContent = about.framework;
  line.querySelector(".server").textContent = `${about.server}, Python ${about.python}`;
  line.querySelector(".runs").textContent = `${workers} on ${about.cpus} CPU${about.cpus === 1 ? "" : "s"}`;
  return true;
}

function show(line, ok, status, took) {
  const state = line.querySelector(".state");
  const kind = ok ? "up" : status === NOT_RUNNING && line.dataset.profile ? "off" : "down";
  state.className = `state ${kind}`;
  const told = { up: "answers", off: `not started (profile ${line.dataset.profile})`, down: status ? "does not answer" : `no answer in ${PATIENCE_MS / 1000} s` }[kind];
  if (state.textContent !== told) state.textContent = told; // a screen reader hears changes only
  line.querySelector(".latency").textContent = ok ? `${number(took)} ms` : "";
}
