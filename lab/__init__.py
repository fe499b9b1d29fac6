"""The lab: starts the stack without Docker, measures its rows and says what came out."""


class LabError(Exception):
    """Something the user can put right: shown as one line that says what to do, exit code 2."""
