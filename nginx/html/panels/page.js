// Puts the panels into the page, and lets a leader show one at a time.

import { reset } from "./lab.js";
import { mount as mountVictim } from "./victim.js";

const PANELS = ["first-minute", "race", "websocket", "streams", "rows", "room"];
const PROTOCOLS = { h2: "HTTP/2", h3: "HTTP/3", "http/1.1": "HTTP/1.1" };

for (const name of PANELS) {
  const { mount } = await import(`./${name}.js`);
  mount(document.getElementById(name));
}
mountVictim(document.getElementById("victim"));
const [page] = performance.getEntriesByType("navigation");
document.querySelector("#protocol").textContent = PROTOCOLS[page?.nextHopProtocol] ?? "HTTP";
for (const link of document.querySelectorAll("[data-port]")) { // under the name by which the visitor came
  const forwarded = /-\d+\./; // a name for each port, as NAME-8443.example: then it has no other
  if (!location.port && forwarded.test(location.hostname)) {
    const host = location.hostname.replace(forwarded, `-${link.port}.`);
    link.href = `https://${host}/`;
  } else link.hostname = location.hostname;
}
document.querySelector("#reset").addEventListener("click", reset);

// Projector: one panel, large type; P switches, the arrow keys go on and back.
const sections = PANELS.map((name) => document.getElementById(name));

function show(place) {
  sections.forEach((section, number) => section.classList.toggle("current", number === place));
  sections[place].focus({ preventScroll: true });
}

function projector() {
  const on = document.documentElement.classList.toggle("projector");
  document.querySelector("#projector").setAttribute("aria-pressed", String(on));
  if (on) show(0);
}

document.querySelector("#projector").addEventListener("click", projector);
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "p") projector();
  const current = sections.findIndex((section) => section.classList.contains("current"));
  if (!document.documentElement.classList.contains("projector")) return;
  if (event.key === "ArrowRight" || event.key === "PageDown") show(Math.min(current + 1, sections.length - 1));
  if (event.key === "ArrowLeft" || event.key === "PageUp") show(Math.max(current - 1, 0));
});
document.documentElement.dataset.ready = "yes";
