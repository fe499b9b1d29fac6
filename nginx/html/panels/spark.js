// A row's line of latencies, on a logarithmic scale from 1 ms up.

import { side, svg } from "./lab.js";

const WIDTH = 240, HEIGHT = 36;
export const SAMPLES = 80;

/** `samples` in ms, the newest last; what is above `most`, or no answer (Infinity), lies at the top. */
export function spark(row, samples, most) {
  const y = (ms) => HEIGHT - 3 - (HEIGHT - 6) * Math.log(Math.min(Math.max(ms, 1), most)) / Math.log(most);
  const line = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", class: `spark in-${side(row)}` });
  line.append(svg("polyline", { points: samples.map((ms, place) => `${place * WIDTH / SAMPLES},${y(ms)}`).join(" ") }));
  return line;
}
