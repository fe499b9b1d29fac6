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
  let panel = document; // what a step names after a panel is one of its controls
  for (const named of episode.querySelectorAll("p > em")) {
    if (!STEPS.includes(named.parentElement.firstElementChild.textContent)) continue;
    const text = named.textContent, section = panelOf(text), found = section ?? controlOf(text, panel);
    if (!found) continue;
    panel = section ?? panel;
    const button = element("button", { type: "button", class: "press", onclick: () => press(found) }, text);
    if (section) button.dataset.panel = section.id;
    named.replaceWith(button);
  }
}

const panelOf = (text) =>
  [...document.querySelectorAll("main > section")].find((section) => section.querySelector("h2").textContent.startsWith(text));
const controlOf = (text, panel) =>
  [...panel.querySelectorAll("button, option")].find((each) => each.textContent === text || each.value === text);

function press(found) {
  showPanel(found.closest("section"));
  if (found instanceof HTMLButtonElement) found.click();
  else if (found instanceof HTMLOptionElement) {
    const select = found.closest("select");
    select.value = found.value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
