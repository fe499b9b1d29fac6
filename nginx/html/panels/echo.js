// WebSocket, there and back: an echo from each of two rows again and again, and how long it took.

import { byName, chooser, element, laneOf, median, missing, number, onReset, openSocket, sleep, wasReset } from "./lab.js";
import { SAMPLES, spark } from "./spark.js";

const EVERY_MS = 100, PATIENCE_MS = 2000, MOST_MS = 1000;

export function mount(section) {
  const speaks = ({ framework }) => framework !== "none";
  const one = chooser("First", "flask", speaks), other = chooser("Second", "fastapi", speaks);
  const start = element("button", { type: "button", class: "first", textContent: "Connect to both" });
  const end = element("button", { type: "button", textContent: "Disconnect", disabled: true });
  const lanes = element("div", { class: "lanes" }), says = element("p", { class: "says", role: "status" });
  section.append(element("div", { class: "buttons" }, one.label, other.label, start, end), lanes, says);
  let here = [];

  function disconnect() {
    here.forEach((lane) => lane.socket?.close());
    end.disabled = true;
    start.disabled = false;
  }

  start.addEventListener("click", async () => {
    start.disabled = true;
    const rows = [...new Set([one, other].map(({ select }) => byName[select.value]))], signal = wasReset();
    here = rows.map((row) => new Echo(row));
    lanes.replaceChildren(...here.map((lane) => lane.element));
    says.textContent = (await Promise.all(rows.map(missing))).filter(Boolean).join(" ");
    if (says.textContent || signal.aborted) { disconnect(); return; }
    end.disabled = false;
    const told = await Promise.all(here.map((lane) => lane.run()));
    if (!signal.aborted) says.textContent = told.join(" ");
    disconnect();
  });
  end.addEventListener("click", disconnect);
  onReset.addEventListener("reset", () => { lanes.replaceChildren(); says.textContent = ""; disconnect(); });
}

class Echo {
  constructor(row) {
    this.row = row;
    this.took = [];
    this.middle = element("div", { class: "big", textContent: "–" });
    this.line = element("div", { class: "wide-spark" });
    this.element = laneOf(row, this.middle, element("div", { class: "quiet" }, "ms there and back, the median"), this.line);
  }

  /** Until the socket is closed; what it says then. */
  async run() {
    const { name } = this.row;
    this.socket = await openSocket(`/${name}/ws/echo`);
    if (!this.socket) return `${name} did not open a WebSocket in 2 s.`;
    const closed = new Promise((done) => { this.socket.addEventListener("close", () => done(null)); });
    while (this.socket.readyState === WebSocket.OPEN) {
      const took = await Promise.race([this.once(), closed, sleep(PATIENCE_MS).then(() => Infinity)]);
      if (took === null) break;
      this.took.push(took);
      this.draw();
      await sleep(EVERY_MS);
    }
    return this.took.length ? `${name}: ${number(this.took.length)} echoes, half of them within ${number(median(this.took), 1)} ms.` : "";
  }

  once() {
    const said = String(performance.now());
    const back = new Promise((done) => {
      const hear = ({ data }) => {
        if (data !== said) return;
        this.socket.removeEventListener("message", hear);
        done(performance.now() - Number(said));
      };
      this.socket.addEventListener("message", hear);
    });
    this.socket.send(said);
    return back;
  }

  draw() {
    const last = this.took.slice(-SAMPLES);
    this.middle.textContent = number(median(last), 1);
    this.line.replaceChildren(spark(this.row, last, MOST_MS));
  }
}
