// Runs that were recorded (`make pictures`), for when two cores or the network fail: they play in the same panels.

import { ask, element } from "./lab.js";

const button = document.querySelector("#recorded");
button.addEventListener("click", () => button.setAttribute("aria-pressed", String(!playing())));

/** Whether panels play what was recorded. */
export const playing = () => button.getAttribute("aria-pressed") === "true";

/** A recorded run; null where there is none of that name. */
export async function recording(name) {
  const { ok, body } = await ask(`/recorded/${name}.json`);
  return ok ? JSON.parse(body) : null;
}

/** The mark that a run on the page is none of now. */
export const mark = ({ recorded, machine }) => element("p", { class: "recorded" }, element("strong", {}, "Recorded"), `, ${recorded}, ${machine}`);

/** Says to whoever listens what has just run: that is how it is recorded. */
export const tellRun = (section, detail) => section.dispatchEvent(new CustomEvent("ran", { detail }));
