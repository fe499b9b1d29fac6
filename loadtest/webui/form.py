"""The form that starts a test: checked as the command line would be, before Locust takes over its values."""

from argparse import Action, ArgumentTypeError
from typing import Any, cast

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, STATE_STOPPING, MasterRunner
from locust.util.timespan import parse_timespan
from werkzeug.datastructures import MultiDict

from loadtest import options
from loadtest.options import number

EDITABLE = ("user_count", "spawn_rate", "rate", "profile")  # while a test runs


# What Locust's own fields mean here.
LOCUSTS = {
    "user_count": "Closed loop: clients that ask at the same time. Open loop: requests that may be under way at once.",
    "run_time": "Empty: until Stop. A shape other than steady has a length of its own.",
}


class Refused(Exception):
    """Says what is wrong to the person at the form; `status` says it to a script."""

    def __init__(self, reason: str, status: int = 422) -> None:
        super().__init__(reason)
        self.status = status


def check_before_start(environment: Environment) -> None:
    """Puts the checks before Locust's own view of /swarm."""
    web_ui = environment.web_ui
    assert web_ui and web_ui.app
    start: Any = web_ui.app.view_functions["locust.swarm"]
    known = fields()

    def checked() -> ResponseReturnValue:
        try:
            values = read(known, request.form)
            accept(environment, values)
        except Refused as refused:
            return jsonify(success=False, message=str(refused), host=None), refused.status
        # Locust's view reads what has been checked, and nothing else.
        texts = {name: value if isinstance(value, list) else str(value) for name, value in values.items()}
        vars(request)["form"] = MultiDict({name: texts[name] for name in texts if values[name] is not None})
        return cast(Response, start())

    web_ui.app.view_functions["locust.swarm"] = web_ui.auth_required_if_enabled(checked)


def fields() -> dict[str, Action]:
    """What the form may set, by name: the suite's options, and of Locust's those that it shows."""
    parser = LocustArgumentParser(add_help=False)
    parser.add_argument("--user-count", type=number(1, 100_000))
    parser.add_argument("--spawn-rate", type=number(0.01, 100_000, float))
    parser.add_argument("--run-time", type=run_time)
    parser.add_argument("--profile")
    return parser.args_included_in_web_ui | options.fields()


def describe() -> dict[str, dict[str, Any]]:
    """What the page shows at each field, and when: its title, its help or what each choice means, its rules."""
    return {name: {"help": text} for name, text in LOCUSTS.items()} | {
        name: {
            "title": label(name),
            "help": options.naming(option.help, quoted),
            "meanings": {
                choice: options.naming(text, quoted) for choice, text in options.MEANINGS.get(name, {}).items()
            },
            "only_if": option.only_if,
        }
        for name, option in options.table().items()
    }


def quoted(name: str) -> str:
    return f"“{label(name)}”"


def keep_values(environment: Environment) -> None:
    """The form shows what was asked for last, where Locust would show the defaults again."""
    web_ui = environment.web_ui
    assert web_ui
    update = web_ui.update_template_args

    def update_and_keep() -> None:
        update()
        for name, option in web_ui.template_args["extra_options"].items():
            option["default_value"] = getattr(environment.parsed_options, name)

    web_ui.update_template_args = update_and_keep  # type: ignore[method-assign]  # Locust calls it for every page


def run_time(text: str) -> int | None:
    try:
        return parse_timespan(text) if text else None
    except ValueError as error:
        raise ArgumentTypeError("write it like 20, 20s, 3m or 1h20m") from error


def read(known: dict[str, Action], form: MultiDict[str, str]) -> dict[str, Any]:
    """The form's values, each of its option's type and among its choices."""
    names = {name.replace("_", ""): name for name in known}
    values: dict[str, Any] = {}
    for key in form:
        if key == "host":
            if form[key]:
                raise Refused("There is no host to choose: the suite loads the stack's own rows and nothing else.")
            continue
        name = names.get(key.replace("_", ""))  # Locust's page makes limit_p9_9ms of limit_p99_ms
        if not name:
            raise Refused(f"There is no field {key!r}.")
        field = known[name]
        if field.nargs:
            values[name] = [read_one(field, part) for text in form.getlist(key) for part in text.split(",")]
        else:
            values[name] = read_one(field, form[key])
    if "scenario" in values and not values.get("rows"):
        raise Refused("Rows: choose at least one.")
    return values


def read_one(field: Action, text: str) -> Any:
    try:
        value = field.type(text) if callable(field.type) else text
    except ArgumentTypeError as error:
        raise Refused(f"{label(field.dest)}: {error}") from error
    except ValueError as error:
        raise Refused(f"{label(field.dest)}: {text!r} is not a number") from error
    if field.choices and value not in field.choices:
        raise Refused(f"{label(field.dest)}: {text!r} is none of {', '.join(field.choices)}")
    return value


def accept(environment: Environment, values: dict[str, Any]) -> None:
    """Puts the values where the suite reads them, and chooses what runs; Refused where they make no sense now."""
    runner, parsed = environment.runner, environment.parsed_options
    assert runner and parsed
    wanted = vars(parsed) | values
    if runner.state == STATE_STOPPING:
        raise Refused("The last test still waits for its requests in flight: try again in a moment.", 409)
    running = runner.state in (STATE_SPAWNING, STATE_RUNNING)
    if running:
        refuse_edit(environment, values)
    if isinstance(runner, MasterRunner) and not runner.worker_count:
        raise Refused("No worker has connected yet.", 409)
    if reason := options.refusal(wanted):
        raise Refused(reason)
    if wanted["shape"] != "steady" and values.get("run_time"):
        raise Refused(f"The shape {wanted['shape']} has a length of its own: leave the run time empty.")
    vars(parsed).update({name: value for name, value in values.items() if name in vars(parsed)})
    if not running:
        environment.choose()  # type: ignore[attr-defined]  # see locustfile.py


def refuse_edit(environment: Environment, values: dict[str, Any]) -> None:
    """Most of a running test cannot change: its figures would be of two tests."""
    if environment.shape_class:
        raise Refused("The running test has a shape, which sets the load itself: stop it first.", 409)
    before = vars(environment.parsed_options)
    changed = [name for name, value in values.items() if name not in EDITABLE and value != before.get(name)]
    if changed:
        raise Refused(f"{', '.join(map(label, changed))}: cannot change while a test runs. Stop it first.", 409)


def label(name: str) -> str:
    return name.replace("_", " ").capitalize()
