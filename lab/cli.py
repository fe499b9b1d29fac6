"""The command line: what `lab` can do, in one table. What does it is imported when it is asked for.

So `lab --help` answers in 0.04 s (with SciPy, matplotlib and the stack imported it took 1.1 s), and a Ctrl-C that
comes during the imports ends the lab as at any other time.
"""

import argparse
import pkgutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import COMMAND, LabError

EXIT_CODES = """exit code: 0 all went well, 2 something was wrong with the command or the stack, 3 a limit was missed,
4 a comparison changed by more than its margin, 5 the gates refused a run (or let a planted fault pass), 130 Ctrl-C;
what was measured is kept"""


def add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", action="append", default=[], metavar="NAME", help="further rows, as in Compose")


def add_host(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("host", help="where that stack's gateway and Locust master are published")


def add_experiments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments, as `list` shows them")
    parser.add_argument("--all", action="store_true", help="every experiment")
    parser.add_argument("--on", default="native", metavar="WHERE", help="native (started for it), compose, or a URL")
    parser.add_argument("--quick", action="store_true", help="a first answer, in about a minute each")
    parser.add_argument("--budget", type=above_zero, metavar="MINUTES", help="how long it may take, all in all")
    parser.add_argument("--limit-p99-ms", type=above_zero, metavar="MS", help="the p99 that every row must keep")
    parser.add_argument("--json", action="store_true", help="the verdicts as JSON on standard output")
    parser.epilog = EXIT_CODES


def add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a results folder")


def add_two_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", type=Path, metavar="DIR", help="the results folder of the first run")
    parser.add_argument("after", type=Path, metavar="DIR", help="and of the second")
    parser.add_argument("--json", action="store_true", help="the changes as JSON on standard output")
    parser.epilog = EXIT_CODES


def add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="results folders")
    parser.add_argument("--json", action="store_true", help="as JSON, which the page takes: docs/findings.json")


def add_nothing(parser: argparse.ArgumentParser) -> None:
    """The verb takes no arguments."""


def above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


@dataclass(frozen=True)
class Verb:
    """`function` is where the work is, as module:name; it takes the options, and may return an exit code."""

    name: str
    help: str
    function: str
    add_arguments: Callable[[argparse.ArgumentParser], None] = add_nothing
    takes_further: bool = False  # options that are not ours: Locust's


GROUPS: dict[str, tuple[Verb, ...]] = {
    "the stack": (
        Verb("up", "start it without Docker and keep it until Ctrl-C", "lab.stack_cli:keep_up", add_profile),
        Verb("join", "run a Locust worker for the stack of another machine", "lab.stack_cli:join", add_host),
    ),
    "load": (
        Verb("load", "one load test; options as Locust's", "lab.stack_cli:load", add_profile, takes_further=True),
    ),
    "the judge": (
        Verb("demo", "the article's main claims, in about a minute", "lab.judge_cli:demonstrate"),
        Verb("list", "the experiments: claims, and how they are tested", "lab.judge_cli:show"),
        Verb("run", "run experiments and judge them", "lab.judge_cli:measure", add_experiments),
        Verb("calibrate", "how often the judge is wrong: half an hour", "lab.judge_cli:run_calibration"),
        Verb("bench-generator", "our users against Locust's bare ones", "lab.judge_cli:run_bench_generator"),
        Verb("bench-agreement", "our generator against wrk: one ratio?", "lab.judge_cli:run_bench_agreement"),
        Verb("bench-services", "our services against plain apps", "lab.judge_cli:run_bench_services"),
    ),
    "reports": (
        Verb("report", "write the report of a results folder again", "lab.judge_cli:rewrite", add_folder),
        Verb("compare", "what changed between two runs", "lab.judge_cli:compare_folders", add_two_folders),
        Verb("findings", "the verdicts of results folders, as Markdown", "lab.judge_cli:print_findings", add_folders),
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    listen_to_signals()
    options = parse(arguments)
    try:
        return int(pkgutil.resolve_name(options.verb.function)(options) or 0)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more has nothing left to end
        return 130


def listen_to_signals() -> None:
    """Whatever asks the lab to end is taken as Ctrl-C is: nothing is left running."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's `lab up &` starts with it ignored
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup wants it
            signal.signal(number, lambda number, frame: sys.exit(128 + number))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        usage="%(prog)s VERB …, and %(prog)s VERB --help",
        description=overview(),
        formatter_class=argparse.RawTextHelpFormatter,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    verbs: Any = parser.add_subparsers(prog=COMMAND, required=True, metavar="VERB", help=argparse.SUPPRESS)
    for verb in (verb for group in GROUPS.values() for verb in group):
        of_verb = verbs.add_parser(
            verb.name,
            description=verb.help,
            formatter_class=argparse.RawTextHelpFormatter,
            add_help=not verb.takes_further,
            allow_abbrev=not verb.takes_further,
        )
        verb.add_arguments(of_verb)
        of_verb.set_defaults(verb=verb)
    options, further = parser.parse_known_args(arguments)
    options.further = further
    if options.further and not options.verb.takes_further:
        parser.error(f"unknown: {' '.join(options.further)}")
    return options


def overview() -> str:
    """The table as `--help` shows it."""
    lines = ["See, measure and settle WSGI versus ASGI."]
    for group, verbs in GROUPS.items():
        lines += ["", f"{group}:", *(f"  {verb.name:<16}{verb.help}" for verb in verbs)]
    return "\n".join(lines)
