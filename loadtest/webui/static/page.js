// Fits Locust's own page to the lab: runs before Locust's bundle, and after each change that it makes to the page.
// Every part looks for what it changes and leaves the page alone where Locust has changed.
const page = window.templateArgs;

// What the options explain stands below their fields, not in the labels, where it would be cut off.
const help = {}, titles = {};
for (const [name, option] of Object.entries(page.extra_options)) {
  const field = name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase()); // as Locust names it
  titles[field] = name[0].toUpperCase() + name.slice(1).replaceAll("_", " "); // Locust writes "Limit P9 9Ms"
  help[field] = option.help_text.replace(
    /--([\w-]+)/g, (_, flag) => `“${flag.replaceAll("-", " ")}”`);
  option.help_text = null;
}
help.userCount = "Closed loop: clients that ask at the same time. Open loop: requests that may be under way at once.";
help.runTime = "Empty: until Stop. A shape other than steady has a length of its own.";
page.missing_host_warning = false; // a row is the host

const query = new URLSearchParams(location.search);
if (!query.has("tab")) history.replaceState(null, "", "?tab=compare"); // what opens when a test starts

const fetchFromServer = window.fetch;
window.fetch = async (...request) => {
  const response = await fetchFromServer(...request);
  const { pathname } = new URL(response.url);
  // Locust shows the message of a refusal only if its status says success.
  if (pathname.endsWith("/swarm") && !response.ok) return new Response(response.body, { headers: response.headers });
  // Locust asks no more once a test is stopping, and so would never see that it has stopped.
  if (pathname.endsWith("/stats/requests") && response.ok) {
    const figures = await response.json();
    return Response.json(figures.state === "stopping" ? { ...figures, state: "running" } : figures);
  }
  return response;
};

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** "Json: a small answer; Wait: nothing" as a map, for an option with choices. */
function meanings(control) {
  const names = [...control.options].map((option) => option.value).join("|");
  const parts = help[control.name].split(new RegExp(`(?:^|; )(${names}): `));
  return new Map(parts.slice(1).flatMap((part, i, all) => (i % 2 ? [] : [[part, all[i + 1]]])));
}

/** What must be chosen for a field to matter, from how its help begins: "Wait, Mix: …", "Open loop: …". */
function matters(name, form, scenarios) {
  const who = help[name].split(":")[0].split(", ");
  if (who[0] === "Open loop") return form.arrivals.value !== "closed";
  if (who[0] === "Search") return form.shape.value === "search";
  return !scenarios.has(who[0]) || who.includes(form.scenario.value);
}

function rowBoxes(select, boxOfSelect) {
  const boxes = element("div");
  for (const option of select.options) {
    const box = element("input", { type: "checkbox", checked: option.selected });
    box.onchange = () => { option.selected = box.checked; };
    const about = element("span", { textContent: page.lab_rows?.[option.value] ?? "" });
    boxes.append(element("label", {}, box, element("strong", { textContent: option.value }), about));
  }
  const hint = element("p", { className: "lab-help", textContent: help.rows });
  boxOfSelect.after(element("fieldset", { className: "lab-rows" }, element("legend", { textContent: "Rows" }), boxes, hint));
  boxOfSelect.hidden = true;
  fetchFromServer("./compare/rows").then((answer) => answer.json()).then((listening) => {
    for (const [i, option] of [...select.options].entries()) {
      if (listening[option.value]) continue;
      boxes.children[i].classList.add("lab-off");
      boxes.children[i].lastChild.textContent = "not started (profile variants)";
    }
  });
}

function fitForm(form) {
  form.dataset.lab = "fits";
  for (const closed of form.querySelectorAll('.MuiAccordionSummary-root[aria-expanded="false"]')) closed.click();
  const scenarios = new Set([...form.scenario.options].map((option) => option.value));
  const update = [];
  for (const name of Object.keys(help)) {
    const control = form.elements[name];
    const box = control?.closest(".MuiFormControl-root");
    if (!box) continue;
    if (titles[name]) for (const title of box.querySelectorAll("label, legend span")) title.firstChild.data = titles[name];
    if (control.multiple) { rowBoxes(control, box); continue; }
    const text = element("p", { className: "lab-help", id: `lab-help-${name}`, textContent: help[name] });
    box.append(text);
    control.setAttribute("aria-describedby", text.id);
    const meaning = control.options && meanings(control);
    update.push(() => {
      if (meaning?.size) text.textContent = meaning.get(control.value);
      box.hidden = !meaning && !matters(name, form, scenarios);
    });
  }
  const updateAll = () => update.forEach((one) => one());
  form.addEventListener("change", updateAll);
  updateAll();
}

let frame; // the Compare tab's content; it stays while the tab is hidden
function showCompare(tab) {
  const shown = tab?.getAttribute("aria-selected") === "true";
  if (shown && !frame) {
    frame = element("iframe", { className: "lab-compare", src: "./compare", title: "Compare" });
    frame.onload = () => {
      const content = frame.contentDocument.documentElement;
      new ResizeObserver(() => { frame.style.height = `${content.offsetHeight}px`; }).observe(content);
    };
    document.querySelector("main").append(frame);
  }
  if (frame) frame.hidden = !shown;
}

function fit() {
  const form = document.querySelector("form:not([data-lab])");
  if (form?.scenario) fitForm(form);
  showCompare([...document.querySelectorAll("[role=tab]")].find((tab) => tab.textContent === "Compare"));
  const host = [...document.querySelectorAll("header p")].find((label) => label.textContent === "Host");
  if (host) host.parentElement.hidden = true; // always empty here
}
new MutationObserver(fit).observe(document.body, {
  childList: true, subtree: true, attributes: true, attributeFilter: ["aria-selected"],
});
