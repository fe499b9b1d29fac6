// The workshop, which drives the page: the episodes of docs/workshop.md, one at a time. What a step says in italics and the
// page has (a panel, a button, a choice) can be pressed where it stands.

import { element } from "./lab.js";

const guide = document.querySelector("#guide"), toggle = document.querySelector("#guide-toggle");
const episodes = [...guide.querySelectorAll("article")], short = guide.querySelector("#ten-minutes");
const [back, next] = guide.querySelectorAll("[data-go]");
const STEPS = ["Run.", "Exercise."];
let showPanel, now = 0;

export const isOpen = () => !guide.hidden;

/** `show` brings a section of the page to the front. */
export function mount(show) {
  showPanel = show;
  episodes.forEach(makePressable);
  toggle.addEventListener("click", open);
  guide.querySelector("#guide-close").addEventListener("click", open);
  short.addEventListener("change", () => { now = 0; draw(); });
  back.addEventListener("click", () => go(-1));
  next.addEventListener("click", () => go(1));
}

export function open() {
  guide.hidden = !guide.hidden;
  document.documentElement.classList.toggle("guided", isOpen());
  toggle.setAttribute("aria-pressed", String(isOpen()));
  if (isOpen()) draw();
  else toggle.focus();
}

/** The episode before or after, of those that are shown. */
export function go(step) {
  now = Math.min(Math.max(now + step, 0), chosen().length - 1);
  draw();
}

const chosen = () => (short.checked ? episodes.filter(({ dataset }) => dataset.short) : episodes);

function draw() {
  const shown = chosen(), episode = shown[now];
  episodes.forEach((each) => { each.hidden = each !== episode; });
  back.disabled = now === 0;
  next.disabled = now === shown.length - 1;
  guide.querySelector("#guide-place").textContent =
    `${now + 1} of ${shown.length}, ${short.checked ? episode.dataset.short : `${episode.dataset.minutes} minutes`}`;
  const panel = episode.querySelector("[data-panel]");
  if (panel) showPanel(document.getElementById(panel.dataset.panel));
  episode.focus({ preventScroll: true });
  guide.scrollTop = 0;
}

function makePressable(episode) {
  for (const named of episode.querySelectorAll("p > em")) {
    const step = named.parentElement.firstElementChild.textContent;
    const found = STEPS.includes(step) && control(named.textContent);
    if (!found) continue;
    const button = element("button", { type: "button", class: "press", onclick: found.press }, named.textContent);
    if (found.panel) button.dataset.panel = found.panel;
    named.replaceWith(button);
  }
}

/** What of the page a text names: how to press it, and the panel if it is one. */
function control(text) {
  const panels = [...document.querySelectorAll("main > section")];
  const panel = panels.find((each) => each.querySelector("h2").textContent.startsWith(text));
  if (panel) return { press: () => showPanel(panel), panel: panel.id };
  const found = [...document.querySelectorAll("main button, main option")].find((each) => each.textContent === text || each.value === text);
  if (!found) return null;
  return { press: () => { showPanel(found.closest("section")); press(found); } };
}

function press(found) {
  if (found instanceof HTMLButtonElement) return found.click();
  const select = found.closest("select");
  select.value = found.value;
  return select.dispatchEvent(new Event("change", { bubbles: true }));
}
