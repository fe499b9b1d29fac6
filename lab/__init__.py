"""The lab: the stack without Docker, and the judge. Each folder imports only from those below it:

- cli.py is the table of commands; stack_cli.py and judge_cli.py are what they do
- calibration/: how often the judge is wrong, and what the generator costs
- report/: what people see of a run
- run/: runs experiments and keeps their results
- judge/: from results to verdicts: figures, gates, statistics, words
- generator/: puts load on rows and measures; record.py is the one shape of what it says
- experiments/: the claims, and how each is put to the test, as data
- stack/: reads docker-compose.yml, runs it as processes that end with the lab, and leads to rows wherever they run

docs/glossary.md has the words.
"""

COMMAND = ".venv/bin/lab"  # as it works when it is pasted in the project's folder


class LabError(Exception):
    """Something the user can put right: shown as one line that says what to do, exit code 2."""
