// Puts the panels into the page, and lets a leader show one at a time.

import * as guide from "./guide.js";
import { PROTOCOLS, reset } from "./lab.js";
import { mount as mountVictim } from "./victim.js";

const sections = [...document.querySelectorAll("main > section")]; // each has a module of its name
const projected = () => document.documentElement.classList.contains("projector");

for (const section of sections) {
  const { mount } = await import(`./${section.id}.js`);
  await mount(section);
}
mountVictim(document.getElementById("victim"));
guide.mount(bring);
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
document.getElementById(location.hash.slice(1))?.scrollIntoView(); // only now has all its height

// Projector: one panel, large type; P switches, R resets, the arrow keys go on and back, through the episodes where the guide is open.

/** A section to the front: alone on the projector, else where the page shows it. */
function bring(section) {
  sections.forEach((each) => each.classList.toggle("current", each === section));
  if (projected()) scrollTo(0, 0);
  else section.scrollIntoView({ block: "start" });
}

function show(place) {
  bring(sections[place]);
  sections[place].focus({ preventScroll: true });
}

function projector() {
  const on = document.documentElement.classList.toggle("projector");
  document.querySelector("#projector").setAttribute("aria-pressed", String(on));
  const current = sections.findIndex((section) => section.classList.contains("current"));
  if (on) show(Math.max(current, 0));
}

function turn(step) {
  if (guide.isOpen()) guide.go(step);
  else if (projected()) {
    const current = sections.findIndex((section) => section.classList.contains("current"));
    show(Math.min(Math.max(current + step, 0), sections.length - 1));
  }
}

const KEYS = {
  p: projector,
  g: guide.open,
  r: reset,
  ArrowRight: () => turn(1),
  PageDown: () => { if (projected()) turn(1); },
  ArrowLeft: () => turn(-1),
  PageUp: () => { if (projected()) turn(-1); },
};

document.querySelector("#projector").addEventListener("click", projector);
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  KEYS[event.key]?.();
});
document.documentElement.dataset.ready = "yes";
