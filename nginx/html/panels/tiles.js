// HTTP/1.1 against HTTP/2: a page of many tiles, over both ports, from two rows. Every port has a hidden frame of its own,
// so that the tiles are the frame's own requests, and the browser tells it which protocol it really used.

import { PROTOCOLS, ask, byName, chooser, element, laneOf, missing, number, onReset, sleep, threadsOf, wasReset } from "./lab.js";

const TILES = 100, WAIT_MS = 20, READY_MS = 4000, CONNECTIONS = 6; // as many as a browser opens to a port over HTTP/1.1

export function mount(section) {
  const ports = ["http", "https"].map((scheme) => ({ scheme, origin: `${scheme}://${location.hostname}:${section.dataset[scheme]}` }));
  const one = chooser("First", "flask"), other = chooser("Second", "fastapi");
  const start = element("button", { type: "button", class: "first", textContent: `Load ${TILES} tiles, four times` });
  const walls = element("div", { class: "lanes pairs" }), says = element("p", { class: "says", role: "status" });
  section.append(element("div", { class: "buttons" }, one.label, other.label, start), walls, says);

  start.addEventListener("click", async () => {
    start.disabled = true;
    says.textContent = "";
    await loadAll([...new Set([one, other].map(({ select }) => byName[select.value]))]);
    start.disabled = false;
  });

  async function loadAll(rows) {
    const signal = wasReset(), absent = (await Promise.all(rows.map(missing))).filter(Boolean);
    const all = absent.length || signal.aborted ? [] : rows.flatMap((row) => ports.map((port) => new Wall(row, port)));
    walls.replaceChildren(...all.map((wall) => wall.element));
    for (const wall of all) if (!signal.aborted) await wall.load(signal); // one after another: they share the machine
    if (signal.aborted) return;
    says.textContent = absent.join(" ") || rows.map((row) => sentence(row, all.filter((wall) => wall.row === row))).join(" ");
  }

  onReset.addEventListener("reset", () => { walls.replaceChildren(); says.textContent = ""; });
}

/** The tiles of one row over one port. */
class Wall {
  constructor(row, port) {
    this.row = row;
    this.port = port;
    this.time = element("div", { class: "big", textContent: "–" });
    this.hops = element("p", { class: "hops quiet" });
    this.tiles = element("div", { class: "clients tiles", ariaHidden: "true" }, ...Array.from({ length: TILES }, () => element("i")));
    this.element = laneOf(row, this.time, this.tiles, this.hops);
    this.element.dataset.port = port.scheme;
  }

  async load(signal) {
    const said = await this.inFrame(signal);
    if (signal.aborted) return;
    if (!said) {
      const link = element("a", { href: `${this.port.origin}/#tiles` }, this.port.origin);
      this.hops.replaceChildren("This browser does not let the page ask the other port. See it there: ", link);
      return;
    }
    this.took = said.took;
    this.protocol = said.protocols.map((each) => PROTOCOLS[each] ?? each).join(" and ");
    this.time.textContent = `${number(said.took)} ms`;
    const { ok, body } = await ask(`/${this.row.name}/about`);
    const saw = ok ? JSON.parse(body).protocol : "–";
    this.hops.replaceChildren("browser → nginx ", element("strong", {}, this.protocol),
      `, nginx → ${this.row.server} HTTP/${this.row.upstream_http}, the app saw ${saw}`);
  }

  /** What the frame says at its end; null where it was not let in, or did not come to an end. */
  inFrame(signal) {
    const query = new URLSearchParams({ row: this.row.name, count: TILES, ms: WAIT_MS });
    const frame = element("iframe", { hidden: true, title: "tiles", src: `${this.port.origin}/tiles.html?${query}` });
    return new Promise((done) => {
      const end = (said) => { removeEventListener("message", hear); frame.remove(); done(said); };
      let heard = false;
      const hear = ({ source, data }) => {
        if (source !== frame.contentWindow) return;
        heard = true;
        if (data.took) end(data);
        else this.tiles.children[data.tile].className = data.ok ? "wait-3" : "failed";
      };
      addEventListener("message", hear);
      signal.addEventListener("abort", () => end(null));
      sleep(READY_MS).then(() => { if (!heard) end(null); });
      sleep(10 * READY_MS).then(() => end(null));
      document.body.append(frame);
    });
  }
}

/** What both ports took, and the formula that explains it. */
function sentence(row, walls) {
  const told = walls.filter((wall) => wall.took).map((wall) => `${number(wall.took)} ms over ${wall.protocol}`);
  const threads = threadsOf(row), least = (at_once) => number(Math.ceil(TILES / at_once) * WAIT_MS);
  const pool = threads ? `Its ${threads} threads: ${TILES} ÷ ${threads} × ${WAIT_MS} ms = ${least(threads)} ms at least, over any protocol.`
    : `Over HTTP/1.1 ${CONNECTIONS} connections: ${TILES} ÷ ${CONNECTIONS} × ${WAIT_MS} ms = ${least(CONNECTIONS)} ms at least; over HTTP/2 all are asked for at once.`;
  return `${row.name}: ${told.join(", ")}. ${pool}`;
}
