// The claims: of each the latest verdict that `lab run` left in results/, else the finding that ships with the project.

import { ask, element, number, svg } from "./lab.js";

const FOLDERS = 20; // the newest; older results of a claim are those of another day
const MADE = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-\d\d/;
const EDGE = 18, LANE = 16, WIDEST = 16; // ratios beyond × 16 lie at the edge
const TONES = { better: "good", worse: "bad", "no difference that matters": "same" };

export async function mount(section) {
  const again = element("button", { type: "button", textContent: "Look again", onclick: look });
  const list = element("div", { class: "claims" });
  section.append(element("div", { class: "buttons" }, again), key(), list);

  async function look() {
    const claims = new Map(); // by experiment, as they ship, then as they were measured here, the newest last
    for (const run of [...await shipped(), ...await measured()]) {
      for (const each of run.verdicts) if (each.verdict !== "too short") claims.set(each.experiment, { ...each, run });
    }
    const all = [...claims.values()], article = all[0]?.source; // the experiments begin with its sentences
    const of = (wanted) => all.filter(({ source }) => (source === article) === wanted).map(shown);
    list.replaceChildren(element("h3", {}, `The sentences of the article (${article})`), ...of(true),
      element("details", {}, element("summary", {}, "What else was asked"), ...of(false)));
  }
  await look();
}

/** Of two doors that were measured for the findings, the first counts: it comes last. */
async function shipped() {
  const doors = await get("/findings.json") ?? [];
  return doors.reverse().map((door) => ({ ...door, ships: true }));
}

async function measured() {
  const entries = await get("/results/") ?? []; // nothing was run, or the folder is not there
  const folders = entries.filter(({ type, name }) => type === "directory" && MADE.test(name)).map(({ name }) => name).sort().slice(-FOLDERS);
  const runs = await Promise.all(folders.map(async (folder) => ({ folder, run: await get(`/results/${folder}/verdicts.json`) })));
  return runs.filter(({ run }) => run?.version === 1).map(({ folder, run }) => ({ ...run, made: day(folder), report: `/results/${folder}/report.html` }));
}

async function get(path) {
  const { ok, body } = await ask(path);
  return ok && body ? JSON.parse(body) : null; // none: 204
}

const day = (folder) => { const [, date, hour, minute] = MADE.exec(folder) ?? []; return date ? `${date} ${hour}:${minute}` : folder; };

/** One claim: the verdict, what it came from, and every comparison that decides it. */
function shown({ experiment, claim, verdict, in_full = verdict, sentence, findings, results, run }) {
  const deciding = findings.filter(({ decides }) => decides);
  const from = run.ships ? `a finding that ships with the lab (${run.door}, ${day(results.split("/").at(-1))})`
    : `measured here (${run.door}, ${run.made}${run.complete ? "" : ", ended early"})`;
  const more = run.ships ? [] : [" ", element("a", { href: `${run.report}#${experiment}` }, "its section of the report")];
  return element("article", { class: "claim", "data-claim": experiment, "data-ships": run.ships ? "yes" : "no" },
    element("div", {},
      element("h4", {}, `“${plain(claim)}” `, element("strong", { class: `verdict is-${verdict.replaceAll(" ", "-")}` }, in_full)),
      element("p", {}, plain(sentence)), element("p", { class: "quiet" }, `${experiment}: `, from, ...more)),
    chart(deciding),
    element("details", {}, element("summary", {}, `${deciding.length} comparison${deciding.length === 1 ? "" : "s"}`), table(deciding)));
}

const plain = (text) => text.replaceAll("`", "");

/** Every ratio with its interval, on one axis for all claims. */
function chart(findings) {
  const [width, left] = innerWidth < 640 ? [380, 210] : [560, 250]; // so that a phone does not make the letters small
  const middle = (left + width) / 2, half = (width - left) / 2 - EDGE;
  const x = (ratio) => middle + half * Math.max(-1, Math.min(1, Math.log(ratio) / Math.log(WIDEST)));
  const drawn = findings.filter(({ comparison }) => comparison), lanes = byFigure(drawn);
  const height = Math.max(lanes.length, 1) * LANE + 16;
  const made = svg("svg", { class: "ratios", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `${drawn.length} ratios with their intervals: ${drawn.map(words).join("; ")}` });
  for (const ratio of [1 / WIDEST, 1 / 4, 1, 4, WIDEST]) {
    made.append(svg("line", { x1: x(ratio), x2: x(ratio), y1: 0, y2: height - 14, class: ratio === 1 ? "even" : "" }),
      svg("text", { x: x(ratio), y: height - 3, "text-anchor": "middle" }, ratio < 1 ? `÷ ${1 / ratio}` : `× ${ratio}`));
  }
  lanes.forEach((finding, place) => {
    const y = place * LANE + LANE / 2;
    if (finding.heading) return made.append(svg("text", { x: 0, y: y + 4, class: "what" }, finding.heading));
    const { ratio, low, high } = finding.comparison, tone = TONES[finding.outcome] ?? "open";
    const mark = svg("g", { class: `ratio is-${tone}` });
    mark.append(svg("line", { x1: x(low), x2: Math.max(x(high), x(low) + 1), y1: y, y2: y }),
      svg("circle", { cx: x(ratio), cy: y, r: 3 }), svg("title", {}, words(finding)));
    made.append(svg("text", { x: 0, y: y + 4 }, compared(finding)), mark);
  });
  return made;
}

/** The findings of each figure below its name; one figure alone needs none. */
function byFigure(findings) {
  const figures = [...new Set(findings.map(figureOf))];
  if (figures.length < 2) return findings;
  return figures.flatMap((heading) => [{ heading }, ...findings.filter((each) => figureOf(each) === heading)]);
}

const figureOf = ({ what, figure }) => what ?? figure; // older results have no words for it
const times = (ratio) => number(ratio, ratio < 10 ? 2 : ratio < 100 ? 1 : 0);
const compared = ({ subject, baseline, level }) => `${subject} / ${baseline}${level ? ` at ${level}` : ""}`;
const words = (finding) => `${compared(finding)}, ${figureOf(finding)}: × ${times(finding.comparison.ratio)}, ${finding.outcome}`;

function table(findings) {
  const rows = findings.map((finding) => element("tr", {},
    element("td", {}, compared(finding)), element("td", {}, finding.sentence), element("td", {}, beside(finding))));
  const head = element("tr", {}, ...["compared", "what came out", "what else differs"].map((text) => element("th", { scope: "col" }, text)));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
}

/** What may explain a ratio, and how busy both rows were; older results do not say. */
function beside({ differ, cpus_in_use: used }) {
  const busy = used?.every(Number.isFinite) ? `CPUs in use ${used.map((each) => number(each, 2)).join(" / ")}` : "";
  return [differ, busy].filter(Boolean).join("; ");
}

function key() {
  return element("p", { class: "quiet key" }, "Each line is a ratio of the first to the second, with its interval:",
    element("i", { class: "k-good" }), "the first is better", element("i", { class: "k-bad" }), "worse",
    element("i", { class: "k-same" }), "no difference that matters", element("i", { class: "k-open" }), "not decided.");
}
