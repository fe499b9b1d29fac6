// The victim, always on: a neighbour's plain request to each of two rows, as a live line through every episode.

import { ask, byName, element, number, side } from "./lab.js";
import { SAMPLES, spark } from "./spark.js";

const EVERY_MS = 250, PATIENCE_MS = 2000;
const watched = new Map(); // row: its latencies in ms, Infinity where no answer came in time

/** Which rows to watch from now on; the first two are always there. */
export function watch(...names) {
  for (const name of ["flask", "fastapi", ...names]) if (!watched.has(name)) watched.set(name, []);
  for (const name of watched.keys()) if (!["flask", "fastapi", ...names].includes(name)) watched.delete(name);
}

export function mount(strip) {
  watch();
  const asking = new Set();

  async function probe(name) {
    if (asking.has(name)) return;
    asking.add(name);
    const began = performance.now(), { ok } = await ask(`/${name}/json`, PATIENCE_MS), took = performance.now() - began;
    asking.delete(name);
    watched.get(name)?.push(ok ? took : Infinity);
    draw();
  }

  function draw() {
    strip.replaceChildren(...[...watched].map(([name, all]) => {
      const samples = all.slice(-SAMPLES), last = samples.at(-1);
      watched.set(name, samples);
      const said = last === undefined ? "–" : last === Infinity ? `none in ${PATIENCE_MS / 1000} s` : `${number(last, last < 10 ? 1 : 0)} ms`;
      return element("div", { class: last === Infinity ? "victim late" : "victim", "data-victim": name },
        element("span", { class: side(byName[name]) }, name), spark(byName[name], samples, PATIENCE_MS), element("strong", {}, said));
    }));
  }

  setInterval(() => { if (!document.hidden) [...watched.keys()].forEach(probe); }, EVERY_MS);
}
