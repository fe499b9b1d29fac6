"""What an experiment is made of.

An arm is a row under a load; arms take turns, round after round. A contrast compares two arms by one figure, and says
what the claim would have it be. Where the claim holds at some levels only, the verdict is "it depends".
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from lab.experiments.outcomes import Outcome, Rule
from lab.experiments.sentences import Sentence

Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """Where a claim is made, or where it is answered."""

    title: str
    where: str = ""  # whose page it is
    date: str = ""  # that it bears; a manual changes, and has none
    reference: str = ""  # its address
    otherwise: bool = False  # the claim is often heard, and this says otherwise

    def __str__(self) -> str:
        named = ", ".join(filter(None, (self.title, self.where, self.date)))
        return f"often heard; otherwise: {named}" if self.otherwise else named


ARTICLE = Source("“WSGI vs ASGI Protocols”", date="28 January 2025")
ASGI_INTRODUCTION = Source(
    "“Introduction”", "ASGI documentation", reference="https://asgi.readthedocs.io/en/latest/introduction.html"
)
FASTAPI_ASYNC = Source(
    "“Concurrency and async / await”",
    "FastAPI documentation",
    reference="https://fastapi.tiangolo.com/async/",
    otherwise=True,
)
FASTAPI_BENCHMARKS = Source(
    "“Benchmarks”",
    "FastAPI documentation",
    reference="https://fastapi.tiangolo.com/benchmarks/",
    otherwise=True,
)
HTTP2_RFC = Source("RFC 9113, “HTTP/2”", "IETF", "June 2022", "https://www.rfc-editor.org/rfc/rfc9113")
WRK2 = Source("README", "wrk2", reference="https://github.com/giltene/wrk2", otherwise=True)
OURS = Source("the lab's own question")
VICTIM_PROBE = (
    "The neighbour's p95 is what is compared (the victim probe); where that is 10 ms or less it was not kept waiting, "
    "and 10 ms it is."
)


class Setup(StrEnum):
    """The two ways in which the headline rows are compared."""

    AS_IT_COMES = "as it comes"
    TUNED = "as one would tune it"  # as many threads, or connections, as the load needs; or the cheapest server


@dataclass(frozen=True)
class Load:
    """What the clients do: the fields of a Block (lab/generator/record.py), and what is searched for."""

    scenario: str = "Json"
    users: int = 16
    seconds: float = 1.5
    least_s: float = 0.5  # that a quick run, or a small budget, leaves of them
    options: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 0
    probe_rate: float = 0
    warm_up: float | None = None
    limit_p99_ms: float = 0  # above 0: search for the highest rate that keeps it
    most_rate: float = 1000  # at which it ends: one process of Locust keeps it on a noisy machine, too
    protocol: str = "HTTP/1.1"  # that clients must see; PageHttp2 and WebSocket scenarios have theirs

    @property
    def takes_turns(self) -> bool:
        """Whether its clients can pause at any moment: they ask as soon as they are answered, and nobody else does."""
        return not self.rate and not self.probe_rate and self.warm_up is None

    def but(self, changes: Changes) -> "Load":
        """The same with some fields changed; names that are no field are options of the load suite."""
        fields = {name: value for name, value in changes.items() if name in self.__dataclass_fields__}
        options = {name: value for name, value in changes.items() if name not in fields}
        return replace(self, **fields, options={**self.options, **options})


@dataclass(frozen=True)
class Arm:
    """A row, and how its load differs from that of the experiment."""

    row: str
    label: str = ""
    changes: Changes = field(default_factory=dict)
    reconnects: bool = False  # its connections are not meant to live
    restarts: bool = False  # nor are its processes

    @property
    def name(self) -> str:
        return self.label or self.row


@dataclass(frozen=True)
class Contrast:
    """Two arms, by a figure of lab/judge/figures.py, and what the claim says of the first."""

    subject: str
    baseline: str
    figure: str
    claimed: Outcome = Outcome.BETTER
    server: str = ""  # where both run on one server that speaks both interfaces, and only the interface differs
    setup: Setup | None = None  # of a headline comparison
    decides: bool = True  # or it is shown only, and the verdict is made without it


@dataclass(frozen=True)
class Experiment:
    name: str
    title: str
    claim: str
    source: Source
    method: str  # what is measured, and what is varied
    held_equal: str  # beyond the fairness audit
    not_so_if: str  # what the claim does not survive: it is refuted, depends, or makes no difference
    arms: tuple[Arm, ...]
    contrasts: tuple[Contrast, ...]
    sentences: tuple[Sentence, ...]  # what a run may say of the claim, the most telling first
    load: Load = Load()
    varied: str = ""  # what the levels are, for people
    varied_one: str = ""  # the same where it is one
    levels: Mapping[str, Changes] = field(default_factory=lambda: {"": {}})
    quick: tuple[str, ...] = ()  # the levels of a quick run; none: all
    thread_ceiling: int = 0  # above 0: draw the ceiling of a pool of so many threads into the chart: threads ÷ wait
    in_units: bool = False  # show every arm's figure, and the differences in its unit: ratios alone say too little
    # What leads from the first arm to the last: each change, by every pair of arms between which nothing else changes.
    changes: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    must_be_refused: bool = False  # a planted fault: the gates must see it
    rule: Rule = Rule.ALL  # how its comparisons make the verdict

    def arm(self, name: str) -> Arm:
        return next(arm for arm in self.arms if arm.name == name)

    def pair(self, contrast: Contrast) -> tuple[Arm, Arm]:
        return self.arm(contrast.subject), self.arm(contrast.baseline)

    def only(self, arms: Collection[str], levels: Collection[str]) -> "Experiment":
        """A part of it: these arms and levels, and the contrasts between them. KeyError where it has no such part."""
        names = {arm.name for arm in self.arms}
        if not arms or not levels or set(arms) - names or set(levels) - self.levels.keys():
            raise KeyError(f"{self.name} has no such part: {', '.join([*arms, *levels])}")
        return replace(
            self,
            arms=tuple(arm for arm in self.arms if arm.name in arms),
            contrasts=tuple(each for each in self.contrasts if {each.subject, each.baseline} <= set(arms)),
            levels={level: changes for level, changes in self.levels.items() if level in levels},
            changes=self.changes if set(arms) == names else {},
        )

    def in_short(self) -> "Experiment":
        """What a quick run measures of it."""
        short = [level for level in self.levels if level in self.quick]
        return self.only([arm.name for arm in self.arms], short or list(self.levels))

    def part(self) -> dict[str, list[str]]:
        """What to tell `only` to have this again."""
        return {"arms": [arm.name for arm in self.arms], "levels": list(self.levels)}

    def load_of(self, level: str, arm: Arm) -> Load:
        return self.load.but(self.levels[level]).but(arm.changes)

    def among(self, contrast: Contrast) -> int:
        """On how many comparisons the verdict rests, this one included; one that does not decide stands alone."""
        return len(self.levels) * sum(each.decides for each in self.contrasts) if contrast.decides else 1

    def asks(self, contrast: Contrast) -> bool:
        """Whether more rounds are worth it while this one is open, or it is shown with what there is."""
        spoken_of = (need for each in self.sentences for need in each.needs if need.figure == contrast.figure)
        return (
            contrast.decides
            or contrast.setup is not None
            or any(need.subject == contrast.subject and contrast.baseline in need.baselines for need in spoken_of)
        )

    @property
    def rows(self) -> list[str]:
        return list(dict.fromkeys(arm.row for arm in self.arms))

    @property
    def figures(self) -> list[str]:
        return list(dict.fromkeys(contrast.figure for contrast in self.contrasts))


def rows(*names: str) -> tuple[Arm, ...]:
    return tuple(Arm(name) for name in names)
