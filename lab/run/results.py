"""A results folder: raw.jsonl, written as it comes, is all that a report needs."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from lab.experiments import BY_NAME, Experiment
from lab.generator import record
from lab.generator.record import Header, Result, writing
from lab.judge.judge import Judgement, Measurements, judge
from lab.stack.compose_file import ROOT


@dataclass
class Run:
    """What a folder holds, or what has been measured so far."""

    folder: Path
    header: Header
    experiments: dict[str, Experiment] = field(default_factory=dict)  # by name: as much of each as was planned
    measured: dict[str, Measurements] = field(default_factory=dict)  # by name of the experiment
    torn: bool = False  # the raw file ends in the middle of a line

    def judgements(self) -> list[Judgement]:
        return [judge(self.experiments[name], measured, self.header) for name, measured in self.measured.items()]


def new_folder(name: str) -> Path:
    """One of its own below results/, also where two runs begin within a second. LabError where it cannot be made."""
    first = ROOT / "results" / f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{name}"
    folder, number = first, 1
    with writing(first):
        first.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
                folder = first.with_name(f"{first.name}-{number}")
            else:
                return folder


def read(folder: Path) -> Run:
    """LabError where the folder holds no results, or those of another version of the lab.

    A last line that was cut off is left out: what came before it counts.
    """
    raw = folder / "raw.jsonl"
    header, results, torn = record.read(raw)
    run = Run(folder, header, torn=torn)
    try:
        run.experiments = {
            name: BY_NAME[name].only(part.arms, part.levels) for name, part in header.experiments.items()
        }
    except KeyError as error:
        raise record.not_a_result(raw, 1, repr(error)) from error
    for number, result in enumerate(results, 2):
        try:
            add(run, result)
        except KeyError as error:
            raise record.not_a_result(raw, number, repr(error)) from error
    return run


def add(run: Run, result: Result) -> None:
    """KeyError where the run has no such part, or its header says nothing of the row."""
    purpose = result.block.purpose
    experiment = run.experiments[purpose.experiment]
    experiment.only([purpose.arm], [purpose.level])
    run.header.abouts[result.block.row]
    run.measured.setdefault(experiment.name, Measurements()).add(result)
