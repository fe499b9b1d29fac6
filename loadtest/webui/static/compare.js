// The rows side by side: asks for figures once a second and draws them. No library: eight small SVG charts and a table.
const COLUMNS = [
  ["requests", "Requests"], ["requests_per_s", "Requests/s", "×"], ["p50_ms", "p50, ms", "×"], ["p95_ms", "p95, ms", "×"],
  ["p99_ms", "p99, ms", "×"], ["failures", "Errors"], ["cpu_us", "CPU µs/request", "×"], ["memory_mib", "Memory, MiB", "×"],
];
const CHARTS = [
  ["requests_per_s", "Throughput", "requests/s"], ["p50_ms", "p50 latency", "ms"], ["p95_ms", "p95 latency", "ms"],
  ["p99_ms", "p99 latency", "ms"], ["errors", "Errors", "% of requests"], ["cpu_us", "CPU time per request", "µs"],
  ["memory_mib", "Memory", "MiB"], ["threads", "Threads of the server", ""],
];
const WIDTH = 300, HEIGHT = 140, LEFT = 42, RIGHT = 8, TOP = 8, BOTTOM = 20;
const $ = (id) => document.getElementById(id);
let run = null, what = "", wanted = "", points = [], latest = null, pointedAt = null;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Three digits, no exponent, as everywhere in the lab; whole numbers whole. */
function shown(value, whole = Number.isInteger(value)) {
  if (value == null) return "–";
  const digits = whole || value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
const PALETTE = 6, STYLES = [["", ""], ["dashed", "7 4"], ["dotted", "2 3"]];
/** No two rows look alike: beyond the palette the hues go once round, and neighbours differ in their lines, too. */
function colour(row) {
  const number = Math.max(latest.rows.indexOf(row), 0), hue = Math.round((number * 360) / latest.rows.length);
  return latest.rows.length <= PALETTE ? `var(--c${number})` : `light-dark(oklch(50% .15 ${hue}), oklch(78% .13 ${hue}))`;
}
const style = (row) => STYLES[latest.rows.length <= PALETTE ? 0 : Math.max(latest.rows.indexOf(row), 0) % STYLES.length];

function dot(row) {
  const made = element("span", { className: `dot ${style(row)[0]}` });
  made.style.setProperty("--own", colour(row));
  return made;
}

function tableLine(line, first, reference) {
  const leads = line === first;
  const waiting = line.wanted - line.open;
  const held = waiting ? [element("small", { textContent: `${line.open} of ${line.wanted} open, ${waiting} waiting` })] : [];
  const made = element("tr", { className: leads ? "kind" : "" },
    element("th", { scope: "row", textContent: leads ? line.what : "" }),
    element("th", { scope: "row", className: "row" }, dot(line.row), line.row, ...held));
  for (const [key, , ratio] of COLUMNS) {
    const kind = key === "memory_mib" && line.memory ? ` ${line.memory}` : "";
    const cell = element("td", { textContent: shown(line[key]) + kind });
    if (key === "failures" && line.failures) {
      cell.className = "bad";
      cell.append(element("small", { textContent: `${shown((line.failures / line.requests) * 100)} %` }));
    } else if (ratio && line.ratio && line !== reference && line[key] && reference[key]) {
      cell.append(element("small", { textContent: `× ${(line[key] / reference[key]).toFixed(2)}` }));
    }
    made.append(cell);
  }
  return made;
}

function drawTable() {
  const firsts = {}, references = {};
  $("lines").replaceChildren(...latest.lines.map((line) => {
    if (line.ratio) references[line.what] ??= line;
    return tableLine(line, (firsts[line.what] ??= line), references[line.what]);
  }));
}

/** The least of 1, 2, 2.5 and 5 times a power of ten that is no less: the top of an axis. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return power * [1, 2, 2.5, 5, 10].find((step) => step * power >= value);
}

const axisLabel = (value) => value.toLocaleString("en", { notation: value < 1e4 ? "standard" : "compact", maximumSignificantDigits: 3 });

/** The points of a chart, without those of the start where they would flatten all others: connecting costs more. */
function drawn(key) {
  const most = (some) => Math.max(0, ...some.flatMap((p) => latest.rows.map((row) => p.rows[row]?.[key] ?? 0)));
  const settled = points.filter((p) => p.at > latest.window_s + 0.5); // whose window does not begin with the test
  const rest = settled.length ? settled : points.filter((p) => most([p])).slice(1);
  return points.filter((p) => rest.includes(p) || most([p]) <= 2 * most(rest));
}

function svg(key, at) {
  const end = Math.max(points.at(-1).at, 10), shownPoints = drawn(key);
  const top = roundUp(Math.max(0, ...shownPoints.flatMap((p) => latest.rows.map((row) => p.rows[row]?.[key] ?? 0))));
  const x = (s) => LEFT + (s / end) * (WIDTH - LEFT - RIGHT), y = (v) => HEIGHT - BOTTOM - (v / top) * (HEIGHT - TOP - BOTTOM);
  const levels = [0, top / 2, top].map((v) => `<path class="grid" d="M${LEFT} ${y(v)}H${WIDTH - RIGHT}"/>
    <text x="${LEFT - 6}" y="${y(v) + 4}" text-anchor="end">${axisLabel(v)}</text>`);
  const times = [0, end / 2, end].map((s, i) => `<text x="${x(s)}" y="${HEIGHT - 5}" text-anchor="${["start", "middle", "end"][i]}">${clock(s)}</text>`);
  const lines = latest.rows.map((row) => {
    let pen = "M"; // lifted where a point is missing
    const path = shownPoints.map((p) => {
      const value = p.rows[row]?.[key];
      const step = value == null ? "" : `${pen}${x(p.at).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = value == null ? "M" : "L";
      return step;
    });
    return `<path d="${path.join("")}" stroke="${colour(row)}" stroke-dasharray="${style(row)[1]}"/>`;
  });
  const here = pointedAt == null ? "" : `<path class="here" d="M${x(at)} ${TOP}V${HEIGHT - BOTTOM}"/>`;
  return `${levels.join("")}${times.join("")}${lines.join("")}${here}`;
}

function drawCharts() {
  if (!points.length) return;
  const point = pointedAt == null ? points.at(-1) : points.reduce((a, b) => (Math.abs(b.at - pointedAt) < Math.abs(a.at - pointedAt) ? b : a));
  for (const [key, title, unit] of CHARTS) {
    const figure = $(`chart-${key}`), values = latest.rows.map((row) => [row, shown(point.rows[row]?.[key])]);
    figure.querySelector("ul").replaceChildren(...values.map(([row, value]) => element("li", {}, dot(row), `${row} `, element("b", { textContent: value }))));
    const drawing = figure.querySelector("svg");
    drawing.innerHTML = svg(key, point.at);
    drawing.setAttribute("aria-label", `${title} at ${clock(point.at)}, ${unit}: ${values.map((pair) => pair.join(" ")).join(", ")}`);
  }
}

function drawAll() {
  const facts = [latest.title, latest.state, clock(points.at(-1)?.at ?? 0), `${latest.users} users`];
  $("state").textContent = latest.run ? facts.join(" · ") : "No test yet: start one, and its figures appear here.";
  const alarm = latest.warnings.length ? "Before you believe these figures:" : "";
  if ($("alarm").textContent !== alarm) $("alarm").textContent = alarm; // spoken once, while the numbers below change
  $("reasons").replaceChildren(...latest.warnings.map((text) => element("li", { textContent: text })));
  $("warnings").hidden = !alarm;
  $("whole").hidden = !latest.lines.length;
  $("live").hidden = !points.length;
  $("window").textContent = `(each point over the last ${latest.window_s} s)`;
  $("choice").hidden = latest.kinds.length < 2;
  const kinds = latest.kinds.toSorted();
  if ([...$("kinds").options].map((option) => option.value).join() !== kinds.join())
    $("kinds").replaceChildren(...kinds.map((kind) => element("option", { textContent: kind })));
  if (!wanted) $("kinds").value = what;
  drawTable();
  drawCharts();
}

async function ask() {
  const since = points.at(-1)?.at ?? 0;
  const query = new URLSearchParams({ run: run ?? "", since, what, wanted });
  const response = await fetch(`./compare/figures?${query}`).catch(() => null);
  if (!response?.ok || response.redirected) { $("state").textContent = "Locust does not answer."; return; }
  latest = await response.json();
  if (latest.run !== run || latest.what !== what) points = [];
  ({ run, what } = latest);
  points.push(...latest.points);
  drawAll();
}

function build() {
  $("kinds").onchange = () => { wanted = $("kinds").value; };
  $("columns").append(...COLUMNS.map(([, title]) => element("th", { scope: "col", textContent: title })));
  for (const [key, title, unit] of CHARTS) {
    const figure = element("figure", { id: `chart-${key}` },
      element("figcaption", {}, element("b", { textContent: title }), element("span", { className: "soft", textContent: ` ${unit}` }), element("ul")));
    figure.insertAdjacentHTML("beforeend", `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"></svg>`);
    const drawing = figure.querySelector("svg");
    drawing.onpointermove = (event) => {
      const { left, width } = drawing.getBoundingClientRect();
      const share = (((event.clientX - left) / width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT);
      pointedAt = share * Math.max(points.at(-1).at, 10);
      drawCharts();
    };
    drawing.onpointerleave = () => { pointedAt = null; drawCharts(); };
    $("charts").append(figure);
  }
}

// Light or dark as Locust's own page is; the switch is up there, in another document.
const setTheme = () => { document.documentElement.style.colorScheme = localStorage.theme ?? "light dark"; };
addEventListener("storage", setTheme);
setTheme();
build();
for (;;) {
  if (!document.hidden && innerWidth) await ask(); // not in a tab that nobody sees
  await new Promise((wake) => setTimeout(wake, 1000));
}
