// Fits Locust's own page to the lab: runs before Locust's bundle, and after each change that it makes to the page.
// Every part looks for what it changes and leaves the page alone where Locust has changed.
const page = window.templateArgs;

// What the fields explain, and when they matter, by the names that Locust's page gives them.
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const fields = Object.fromEntries(Object.entries(page.lab_form).map(([name, field]) => [camel(name), field]));
for (const option of Object.values(page.extra_options)) option.help_text = null; // it would be cut off in the labels
page.missing_host_warning = false; // a row is the host
let kept = null; // what the form said last: Locust makes it anew for every test

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

const chosen = (control) => [...(control.selectedOptions ?? [control])].map((one) => one.value);

/** Whether what is chosen in other fields makes this one matter. */
function matters(form, { only_if: rules = {} }) {
  return Object.entries(rules).every(([name, values]) => chosen(form.elements[camel(name)]).some((one) => values.includes(one)));
}

/** Puts a value into a field so that React notices. */
function fill(control, value) {
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(control), "value").set.call(control, value);
  control.dispatchEvent(new Event(control.options ? "change" : "input", { bubbles: true }));
}

function restore(form) {
  for (const name of new Set(kept?.keys())) {
    const control = form.elements[name], values = kept.getAll(name);
    if (!control?.name) continue;
    if (!control.multiple) fill(control, values[0]);
    else for (const option of control.options) option.selected = values.includes(option.value);
  }
}

function rowBoxes(select, boxOfSelect) {
  const boxes = element("div");
  for (const option of select.options) {
    const box = element("input", { type: "checkbox", checked: option.selected });
    box.onchange = () => { option.selected = box.checked; };
    const about = element("span", { textContent: page.lab_rows?.[option.value] ?? "" });
    boxes.append(element("label", {}, box, element("strong", { textContent: option.value }), about));
  }
  const hint = element("p", { className: "lab-help", textContent: fields.rows.help });
  boxOfSelect.after(element("fieldset", { className: "lab-rows" }, element("legend", { textContent: "Rows" }), boxes, hint));
  boxOfSelect.hidden = true;
  fetchFromServer("./compare/rows").then((answer) => answer.json()).then((listening) => {
    for (const [i, option] of [...select.options].entries()) {
      if (listening[option.value]) continue;
      boxes.children[i].classList.add("lab-off");
      boxes.children[i].lastChild.textContent = "not started";
    }
  });
}

function fitForm(form) {
  form.dataset.lab = "fits";
  for (const closed of form.querySelectorAll('.MuiAccordionSummary-root[aria-expanded="false"]')) closed.click();
  restore(form);
  const update = [];
  for (const [name, field] of Object.entries(fields)) {
    const control = form.elements[name];
    const box = control?.closest(".MuiFormControl-root");
    if (!box) continue;
    if (field.title) for (const title of box.querySelectorAll("label, legend span")) title.firstChild.data = field.title; // Locust writes "Limit P9 9Ms"
    if (control.multiple) { rowBoxes(control, box); continue; }
    const text = element("p", { className: "lab-help", id: `lab-help-${name}`, textContent: field.help });
    box.append(text);
    control.setAttribute("aria-describedby", text.id);
    update.push(() => {
      text.textContent = field.meanings?.[control.value] ?? field.help;
      box.hidden = !matters(form, field);
    });
  }
  const updateAll = () => update.forEach((one) => one());
  form.addEventListener("change", updateAll);
  form.addEventListener("submit", () => { kept = new FormData(form); }, { capture: true });
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
