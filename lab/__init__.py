"""The lab: the stack without Docker, and the judge. Where to find what, in the order of a run:

- the stack: compose_file.py reads docker-compose.yml, setup.py writes what must exist before it starts, native.py
  runs it as processes (loopback.py gives them addresses, supervisor.py keeps them up, keeper.py ends them whatever ends
  the lab); doors.py is where rows can be measured, natively, in Compose or at a URL
- the claims: experiments/
- the measurement: run.py takes turns, measure.py tells the generator what to do, blocks.py is the generator
  with load.py and window.py
- the judgement: evidence.py makes figures of raw results, gates.py refuses, statistics.py compares, verdicts.py and
  judge.py conclude; calibration.py with planted.py says how often that is wrong
- what people see: cli.py, stack_cli.py and judge_cli.py, words.py, tables.py, charts.py, report.py, compare.py,
  findings.py; results.py keeps it all in a folder
"""

COMMAND = ".venv/bin/lab"  # as it works when it is pasted in the project's folder


class LabError(Exception):
    """Something the user can put right: shown as one line that says what to do, exit code 2."""
