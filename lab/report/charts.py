"""Charts of an experiment as inline SVG, drawn by matplotlib."""

import html
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from statistics import fmean
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from lab.experiments import Arm
from lab.judge.figures import FIGURES
from lab.judge.judge import crossover
from lab.judge.statistics import intervals
from lab.judge.words import that_depends
from lab.report.section import HEADINGS, SPECIAL, Section, number, what

# Okabe and Ito's colours, which colour-blind people can tell apart; for their yellow, which is lost on white, a brown.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7A5230")
MARKERS = {"WSGI": "o", "ASGI": "s"}
LINES = {"p99_ms": "--"}
SPREAD_OVER_DECADES = ("p50_ms", "p99_ms", "probe_p95_ms", "after_ms", "held")
GREY, GRID = "#6b6b6b", "#e4e4e4"
# What each colour is on the page (templates/report.css), which has others in the dark.
THEME = {each.lower(): f"series-{place}" for place, each in enumerate(COLOURS)}
THEME |= {"#000000": "text", GREY: "quiet", GRID: "line"}
STYLE: Any = {  # any: matplotlib types every key of it by name
    "svg.fonttype": "none",
    "svg.hashsalt": "lab",  # the same run gives the same bytes
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))  # metadata that would change or point elsewhere


@dataclass(frozen=True)
class Chart:
    svg: str
    caption: str


def of(section: Section) -> list[Chart]:
    """What suits the experiment: lines against its levels, or what ratios do not say; these are in its picture."""
    experiment = section.judgement.experiment
    if experiment.varied and len(section.levels) > 1:
        return [against_level(section, each) for each in charted(experiment.figures) if measured(section, each)]
    charts = []
    if experiment.in_units and section.levels:
        charts.append(cells(section))
    if section.changes():
        charts.append(changes(section))
    return charts


def charted(figures: Sequence[str]) -> list[tuple[str, ...]]:
    """Which figures go into which chart."""
    if special := [name for name in figures if name in SPECIAL]:
        return [(name,) for name in special]
    return [*([("cpu_us",)] if "cpu_us" in figures else []), ("throughput",), ("p50_ms", "p99_ms")]


def measured(section: Section, figures: Sequence[str]) -> bool:
    """Whether there is anything to draw: the gates may have refused it all."""
    arms = section.judgement.experiment.arms
    cells = (section.cell(level, arm, name) for name in figures for level in section.levels for arm in arms)
    return any(not math.isnan(cell.value) for cell in cells)


def draw(name: str, height: float, caption: str, paint: Callable[[Figure, Axes], None]) -> Chart:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.2, height), layout="constrained")
        paint(figure, figure.subplots())
        out = StringIO()
        figure.savefig(out, format="svg", metadata=NO_METADATA)
    svg = out.getvalue()
    svg = themed(svg[svg.index("<svg") :]).replace("<svg", f'<svg role="img" aria-label="{html.escape(caption)}"', 1)
    # Several charts stand in one page: ids, and what refers to them, must differ.
    return Chart(re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg), caption)


def themed(svg: str) -> str:
    """Its colours as the page's variables, which differ in the dark."""
    return re.sub("|".join(THEME), lambda found: f"var(--{THEME[found[0]]})", svg)


# Lines against levels


def against_level(section: Section, figures: tuple[str, ...]) -> Chart:
    experiment = section.judgement.experiment
    refused: dict[str, None] = {}

    def paint(figure: Figure, axes: Axes) -> None:
        for index, arm in enumerate(experiment.arms):
            for name in figures:
                label = arm.name if name == figures[0] else "_"
                refused.update(dict.fromkeys(line(axes, section, index, name, label)))
        axes.set_title(" and ".join(HEADINGS[name] for name in figures), loc="left")
        axes.set_xlabel(f"{experiment.varied} (log scale)")
        axes.set_xscale("symlog", linthresh=1)  # a level may be 0
        axes.set_xticks([float(level) for level in section.levels], section.levels)
        axes.xaxis.set_minor_locator(NullLocator())
        if figures[0] in SPREAD_OVER_DECADES:
            axes.set_yscale("log")
            low, high = axes.get_ylim()
            axes.set_ylim(low / 1.2, high * 1.2)
            plain_log(axes.yaxis)
        else:
            axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        mark_turn(axes, section, figures)
        if figures == ("throughput",) and experiment.thread_ceiling:
            mark_ceiling(axes, experiment.thread_ceiling, experiment.load.options["wait_ms"] / 1000)
        longest = max(len(arm.name) for arm in experiment.arms)
        figure.legend(loc="outside lower center", ncols=3 if longest < 13 else 2, frameon=False)

    caption = f"{experiment.title}: {' and '.join(what(name) for name in figures)} against {experiment.varied}."
    chart = draw(f"{experiment.name}-{figures[0]}", 3.4, caption, paint)
    said = [chart.caption, "● WSGI, ■ ASGI; bars: 95 % interval over the rounds."]
    said += ["Dashed: p99."] if "p99_ms" in figures else []
    said += [f"Left out, because the gates refused it: {', '.join(refused)}."] if refused else []
    return Chart(chart.svg, " ".join(said))


def line(axes: Axes, section: Section, place: int, figure: str, label: str) -> list[str]:
    """Draws an arm; what the gates have refused is left out, and named."""
    arm = section.judgement.experiment.arms[place]
    points, refused = [], []
    for level in section.levels:
        cell = section.cell(level, arm, figure)
        if cell.reasons:
            refused.append(f"{arm.name} at {level}")
        elif not math.isnan(cell.value):
            points.append((float(level), *spread(section, level, arm, figure)))
    if points:
        xs, mids, lows, highs = zip(*points, strict=True)
        lengths = [whiskers(mid, low, high) for mid, low, high in zip(mids, lows, highs, strict=True)]
        axes.errorbar(
            xs, mids, list(zip(*lengths, strict=True)), color=COLOURS[place], label=label, capsize=2.5, elinewidth=1.2,
            marker=MARKERS[section.interface(arm)], ls=LINES.get(figure, "-"),
            ms=8.5 - 0.9 * place, lw=3 - 0.35 * place,  # thinner above thicker: equal arms all stay in sight
        )  # fmt: skip
    return refused


def spread(section: Section, level: str, arm: Arm, figure: str) -> tuple[float, float, float]:
    """The geometric mean over the rounds and its interval, which needs three of them."""
    logs = [math.log(FIGURES[figure].of(each)) for each in section.rounds(level, arm.name)]
    mid = fmean(logs)
    ((low, high),) = intervals(logs, 0.95) if len(logs) > 2 else [(mid, mid)]
    return math.exp(mid), math.exp(low), math.exp(high)


def whiskers(mid: float, low: float, high: float) -> tuple[float, float]:
    """How far an interval reaches to either side; one that is a point may be off by the rounding of floating point."""
    return max(mid - low, 0), max(high - mid, 0)


def mark_turn(axes: Axes, section: Section, figures: tuple[str, ...]) -> None:
    """Where the deciding contrast that depends on the level begins or ceases to hold."""
    found = that_depends(section.judgement)
    if found and found[0].contrast.figure in figures and (turn := crossover(found)):
        axes.axvline(turn, color=GREY, ls=":")
        axes.text(
            turn, 0.97, f"turns at about {turn:.2g} ", rotation=90, ha="right", va="top", size=9, color=GREY,
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip


def mark_ceiling(axes: Axes, threads: int, wait_s: float) -> None:
    ceiling = threads / wait_s
    axes.axhline(ceiling, color=GREY, lw=1)
    label = f"{threads} threads ÷ {wait_s:g} s = {ceiling:,.0f}/s"
    axes.text(0.99, ceiling, label, ha="right", va="bottom", size=9, color=GREY, transform=axes.get_yaxis_transform())


def plain_log(axis: Axis) -> None:
    """Whole numbers, not powers of ten: 1, 2, 5, 10; or even steps where the axis spans less than that."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 4 * low else MaxNLocator(5))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


# Bars


def name_row(axes: Axes, place: int, label: str) -> None:
    """Above the row, not beside it: names are long and screens narrow."""
    axes.text(0, place - 0.24, label, va="center", size=9, transform=axes.get_yaxis_transform())


def beside(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    axes.annotate(text, (x, y), (4, 0), textcoords="offset points", va="center", size=9, color=colour)


def only_rows(axes: Axes, count: int) -> None:
    axes.set_ylim(count - 0.45, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


# Figures in their unit


def cells(section: Section) -> Chart:
    """Every arm's own figure with its interval: what was crossed, cell by cell."""
    experiment, level = section.judgement.experiment, section.levels[0]
    name = experiment.contrasts[0].figure
    found = [(arm, section.cell(level, arm, name)) for arm in experiment.arms]

    def paint(figure: Figure, axes: Axes) -> None:
        reach = 0.0
        for place, (arm, cell) in enumerate(found):
            name_row(axes, place, f"{arm.name} ({section.header.abouts[arm.row]['server']})")
            if math.isnan(cell.value):
                beside(axes, 0, place + 0.12, "refused" if cell.reasons else "–", GREY)
                continue
            mid, low, high = spread(section, level, arm, name)
            interface = section.interface(arm)
            axes.errorbar(
                mid, place + 0.12, xerr=[[value] for value in whiskers(mid, low, high)], capsize=3,
                color=COLOURS[list(MARKERS).index(interface)], marker=MARKERS[interface], ms=6,
            )  # fmt: skip
            beside(axes, high, place + 0.12, number(mid), "black")
            reach = max(reach, high)
        axes.set_xlim(0, reach * 1.18 or 1)
        axes.set_xlabel(HEADINGS[name])
        only_rows(axes, len(found))

    caption = f"{experiment.title}: {what(name)} of every arm. ● WSGI, ■ ASGI; bars: 95 % interval over the rounds."
    return draw(f"{experiment.name}-cells", 0.9 + 0.46 * len(found), caption, paint)


def changes(section: Section) -> Chart:
    """What each change adds on the way from the first arm to the last: from the least to the most over all orders."""
    experiment, made = section.judgement.experiment, section.changes()
    metric = FIGURES[experiment.contrasts[0].figure].metric

    def paint(figure: Figure, axes: Axes) -> None:
        for place, change in enumerate(made):
            name_row(axes, place, change.label)
            colour = GREY if change.least < 0 < change.most else COLOURS[1] if change.most > 0 else COLOURS[0]
            ends = (change.least, change.most)
            axes.plot(ends, (place + 0.15,) * 2, color=colour, lw=7, solid_capstyle="butt", marker="|", ms=14, mew=2)
            said = " to ".join(dict.fromkeys(f"{'+' if end >= 0 else '−'}{number(abs(end))}" for end in ends))
            beside(axes, change.most, place + 0.15, f"  {said} {metric.unit}", "black")
        low, high = min(0.0, *(each.least for each in made)), max(0.0, *(each.most for each in made))
        axes.axvline(0, color="black", lw=1)
        axes.set_xlim(low - 0.05 * (high - low), high + 0.45 * (high - low))
        axes.set_xlabel(f"adds to {metric.what}, {metric.unit}")
        only_rows(axes, len(made))

    way = f"from {experiment.arms[0].name} to {experiment.arms[-1].name}"
    caption = (
        f"{experiment.title}: what each change adds {way}, from the least to the most over all orders of the changes."
    )
    return draw(f"{experiment.name}-changes", 0.9 + 0.6 * len(made), caption, paint)
