"""The one shape of raw.jsonl: what the generator was asked, and what it answered. Written and read here alone.

The first line is a Header, every further line a Result, in the order in which they were measured. The report of a run
is made from raw.jsonl alone. The lab and the generator's own process both use these records; neither is imported here.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from lab import LabError
from meter import Reading

T = TypeVar("T")
SATURATED = "Saturated"  # the scenario of a load that uses up the row's CPU
FORMAT = 3  # of the file: raise it when a field changes its name or its meaning

Count = Annotated[int, Field(ge=0, lt=2**63)]  # what a kernel counts, and a float holds
Some = Annotated[Count, Field(gt=0)]
CpuTimes = dict[str, Count]  # ns of CPU time, by role: "row", "nginx", "postgres"
Histogram = dict[float, Some]  # how many requests took how many ms (three significant digits)


# What the generator is asked


@dataclass(frozen=True)
class SearchStep:
    """Of a block that is a step of a search: how the search goes on from it."""

    limit_p99_ms: float  # what a rate must keep
    step: float  # the factor by which the rate is raised while it is kept
    most_rate: float  # requests per second at which the search ends


@dataclass(frozen=True)
class Purpose:
    """What a block is for."""

    experiment: str = ""
    level: str = ""
    arm: str = ""
    round: int = 0
    search: SearchStep | None = None


@dataclass(frozen=True)
class Block:
    """A row under one load, to be measured. Closed loop with `users` clients; open loop where there is a `rate`."""

    row: str
    scenario: str  # a name of loadtest/users, or of lab/generator/load.py's own
    users: int  # in open loop: how many requests may be in flight
    seconds: float  # to measure; longer where responses take long
    options: dict[str, Any] = field(default_factory=dict)  # of loadtest/options.py, where they differ from the defaults
    rate: float = 0  # requests per second
    arrivals: str = "poisson"
    probe_rate: float = 0  # requests per second of a neighbour who meanwhile asks for little
    warm_up: float | None = None  # seconds at most; None: until the answers come steadily (a second in open loop)
    purpose: Purpose = Purpose()
    splits: int = 1  # 2: measured in slices, whose even and odd ones are results of their own

    @property
    def saturates(self) -> bool:
        """Its clients use up the row's CPU: lab/generator/saturate.py."""
        return self.scenario == SATURATED

    @property
    def drained(self) -> bool:
        """Whether all that the row did while it was watched was for requests that were counted."""
        return self.splits > 1 or self.saturates


# What it answers


def countable(reading: Reading) -> Reading:
    """The same. ValueError where a number in it is none that a kernel counts."""
    if not all(0 <= value < 2**63 for value in asdict(reading).values() if isinstance(value, int)):
        raise ValueError("is no reading of a meter")
    return reading


@dataclass(frozen=True)
class Requests:
    """The requests of one kind of users within the measured seconds."""

    requests: float  # one that crosses an edge of the window counts in part
    started: Count  # within the window; failures, times and protocols are of these
    failures: Count  # wrong answers, and missing ones
    timeouts: Count  # of the failures: nothing came before the client's patience ended
    errors: dict[str, Count]  # the commonest error texts: how often
    in_flight: float  # on average within the window, by a clock of the lab's own
    reported_in_flight: float  # the same by the response times that the clients reported
    protocols: list[str]  # that were spoken
    histogram: Histogram


@dataclass(frozen=True)
class Schedule:
    """How the generator kept the schedule of an open loop, within the measured seconds."""

    started: Count
    late: Count  # of those
    queued: Count  # starts that found no user free


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What the generator's process saw of one split of a block."""

    seconds: Annotated[float, Field(gt=0)]  # measured, over all slices
    answered: float  # requests from the start of a slice until it was drained: the row's CPU time went into these
    generator_cpus: float  # CPUs that the generator used, on average
    generator_waits: float | None  # that it lacked: ready to run while others ran. None: its kernel does not say
    connections: Count  # opened
    schedule: Schedule
    meter: Annotated[Reading, AfterValidator(countable)] | None  # at the end; None: out of reach
    held: Count  # open WebSockets on which the last message was answered right
    load: Requests
    probe: Requests | None  # the neighbour's


@dataclass(frozen=True, kw_only=True)
class Result(Observation):
    """One line of raw.jsonl: what was observed, with the CPU time that the lab read beside it."""

    block: Block
    split: int  # 0: the even slices, or the whole block; 1: the odd slices
    cpu_ns: CpuTimes  # used for the answered requests
    beside_cpus: dict[str, float]  # CPUs that "nginx" and "postgres" used, on average, beside the generator
    row_cpus: float | None  # CPUs that the row used, on average. None: out of reach
    generator_stolen: float | None  # CPUs that a hypervisor took from the generator's, on average. None: unknown
    row_waits: float | None  # CPUs that the row's threads lacked, on average, waiting for each other included
    row_taken: float | None  # of the row's own CPUs, by others than the row, on average. None: not pinned, or unknown
    restarts: Count | None  # processes of the row that came or went meanwhile. None: they cannot be seen from here
    after_ms: float | None = None  # until the row answered again when all clients had gone; None: never, or not asked


RoundResult = list[Result]  # of one arm in one round: one block, its two splits, or the steps of a search


# What it was measured on, and how


@dataclass(frozen=True)
class Part:
    """As much of an experiment as a run has planned."""

    arms: list[str]
    levels: list[str]


# Of GET /about: the gates and the report need these.
NEEDED: dict[str, type] = {
    **dict.fromkeys(("row", "interface", "framework", "server", "model", "command", "python", "json_library"), str),
    **dict.fromkeys(("cpus", "cpu_limit", "memory_limit"), object),
    "settings": dict,
    "loaded": list,
}


def whole(about: dict[str, Any]) -> dict[str, Any]:
    """The same. ValueError where something is missing, or is of another kind."""
    if missing := sorted(NEEDED.keys() - about.keys()):
        raise ValueError(f"lacks {', '.join(missing)}")
    if odd := [name for name, kind in NEEDED.items() if not isinstance(about[name], kind)]:
        raise ValueError(f"has another kind of value for {', '.join(odd)}")
    if not all(isinstance(value, str) for value in about["settings"].values()):
        raise ValueError("has settings that are no text")
    return about


@dataclass(frozen=True, kw_only=True)
class Header:
    """The first line of raw.jsonl. Absolute figures mean nothing without it."""

    began: str  # local time with its zone
    door: str  # native, compose, or the URL of a gateway
    machine: str
    generator_python: str
    versions: dict[str, str]  # of the packages that were measured, and measured with
    placed: dict[str, str]  # which CPUs carried what; empty where that cannot be known
    shared_cpus: int  # CPUs that the generator, nginx and PostgreSQL had together; 0: unknown
    abouts: dict[str, Annotated[dict[str, Any], AfterValidator(whole)]]  # what each row says of itself: GET /about
    looks: tuple[Some, ...]  # rounds at each that was planned
    restarts: bool  # every round began with new starts of its rows
    quick: bool
    scale: float  # of every block's seconds
    seed: int  # of the order in which arms took turns
    experiments: dict[str, Part]  # by name
    format: int = FORMAT


HEADER, RESULT = TypeAdapter(Header), TypeAdapter(Result)
BLOCKS, OBSERVATIONS = TypeAdapter(list[Block]), TypeAdapter(list[list[Observation]])


@contextmanager
def writing(path: Path, kept: str = "") -> Iterator[None]:
    """LabError where the disk is full, or the folder cannot be written; `kept` says what is not lost."""
    try:
        yield
    except OSError as error:
        raise LabError(f"cannot write {path}: {error.strerror}{kept and '; '}{kept}") from error


class RawFile:
    """raw.jsonl while it is written: every line is in the file before the next one is measured."""

    def __init__(self, path: Path, header: Header) -> None:
        self.path, self.header = path, header

    def __enter__(self) -> Self:
        with writing(self.path):
            self.file = self.path.open("wb", buffering=0)  # so nothing is left to be written when the disk is full
        try:
            self.write(HEADER.dump_json(self.header))
        except LabError:
            self.file.close()
            raise
        return self

    def add(self, result: Result) -> None:
        self.write(RESULT.dump_json(result), f"what was measured until then is kept: lab report {self.path.parent}")

    def write(self, line: bytes, kept: str = "") -> None:
        """LabError where it cannot be; the file may then end in a part of a line, which reading leaves out."""
        left = line + b"\n"
        with writing(self.path, kept):
            while left:
                left = left[self.file.write(left) :]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()


def read(raw: Path) -> tuple[Header, list[Result], bool]:
    """The header, the results, and whether the file is torn: a last line that was cut off is left out.

    LabError where there is no such file, where it is of another format, or where a line is not what it should be.
    """
    try:
        lines = raw.read_text().splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{raw.parent} holds no results: a folder below results/ has a raw.jsonl ({error})") from error
    torn = bool(lines) and not lines[-1].endswith("\n")
    if torn:
        lines.pop()
    if not lines:
        raise LabError(f"{raw} is empty: nothing was measured, run it again")
    refuse_other_formats(raw, lines[0])
    header = parse(HEADER, raw, 1, lines[0])
    return header, [parse(RESULT, raw, number, line) for number, line in enumerate(lines[1:], 2)], torn


def refuse_other_formats(raw: Path, first: str) -> None:
    """LabError where the first line is a header, but of another format. Before format 2 it did not say which."""
    try:
        header = json.loads(first)
    except ValueError:
        return
    if isinstance(header, dict) and "looks" in header and header.get("format", 1) != FORMAT:
        found = header.get("format", 1)
        raise LabError(
            f"{raw} has format {found}, and this lab reads format {FORMAT}: read it with the version that measured it, "
            "or run it again"
        )


def parse(kind: TypeAdapter[T], raw: Path, number: int, line: str) -> T:
    try:
        return kind.validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise not_a_result(raw, number, f"{where}: {first['msg']}" if where else first["msg"]) from error


def not_a_result(raw: Path, number: int, why: str) -> LabError:
    """One line that says what is wrong with a line of the file."""
    return LabError(
        f"{raw}, line {number}, is not a result of this version of the lab ({why}): "
        "read it with the version that measured it, or run it again"
    )


def histogram(results: Sequence[Result], of: str = "load") -> Histogram:
    """Response times of all results together; `of` is "load" or "probe"."""
    total: Counter[float] = Counter()
    for result in results:
        if requests := getattr(result, of):
            total.update(requests.histogram)
    return total
