"""What `locust --locustfile loadtest/locustfile.py` reads: it puts the parts of the suite together."""

import os
import time
from typing import Any

import gevent
import locust.runners
from locust import events
from locust.env import Environment
from locust.runners import (
    STATE_INIT,
    STATE_MISSING,
    STATE_STOPPED,
    STATE_STOPPING,
    LocalRunner,
    MasterRunner,
    Runner,
    WorkerRunner,
)

from loadtest import connections, dealing, headless, options, precision, shapes, stall, webui, workers
from loadtest.arrivals import arrivals
from loadtest.figures import SAMPLE_S, Sampler
from loadtest.users import SCENARIOS
from loadtest.users.row import OnRow, quoted

DRAIN_S = 60  # how long requests in flight may take when a test stops; unless --stop-timeout says otherwise

precision.install()
connections.install()
workers.install()
locust.runners.WORKER_REPORT_INTERVAL = SAMPLE_S  # the live figures are as old as this
# After a test Locust's workers are away for as long as they might have drained; ours have drained by then.
os.environ["LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP"] = str(-DRAIN_S)
globals().update(SCENARIOS)  # Locust takes the classes that it finds here

events.init_command_line_parser.add_listener(options.add_to)


@events.init.add_listener
def wire(environment: Environment, runner: Runner, **_: Any) -> None:
    if isinstance(runner, WorkerRunner | LocalRunner):
        generate(environment, runner)
    if isinstance(runner, MasterRunner | LocalRunner):
        control(environment, runner)
        if environment.web_ui is None:
            headless.attach(environment, environment.sampler)  # type: ignore[attr-defined]  # set by control


def generate(environment: Environment, runner: Runner) -> None:
    """A process that runs users: keeps the schedules, and reports what it costs."""

    def set_rates(environment: Environment, msg: Any, **_: Any) -> None:
        arrivals.set_rates(msg.data)

    def report(client_id: str, data: dict[str, Any], **_: Any) -> None:
        data["generator"] = describe(runner)

    def begin(**_: Any) -> None:
        assert environment.parsed_options
        choose_users(environment)
        OnRow.first_start = 0
        quoted.clear()
        arrivals.begin(environment.parsed_options.arrivals, environment.parsed_options.rows)

    def last_report(**_: Any) -> None:
        if isinstance(runner, WorkerRunner):  # or what ended in the last second would come too late
            data: dict[str, Any] = {}
            environment.events.report_to_master.fire(client_id=runner.client_id, data=data)
            runner.send_message("stats", data)
        arrivals.end()

    runner.register_message("rates", set_rates)
    environment.events.report_to_master.add_listener(report)
    environment.events.test_start.add_listener(begin)
    environment.events.test_stop.add_listener(last_report)


def describe(runner: Runner) -> dict[str, Any]:
    """What a process that runs users has to say about itself."""
    return {
        "began": OnRow.first_start,
        "cpu_ns": time.process_time_ns(),
        "arrivals": arrivals.report(),
        "clients": dealing.clients(runner),
    }


def choose_users(environment: Environment) -> None:
    parsed = environment.parsed_options
    assert parsed
    environment.user_classes = [dealing.class_on(row, parsed.scenario) for row in parsed.rows]


def control(environment: Environment, runner: MasterRunner | LocalRunner) -> None:
    """The process that decides: chooses the users, sets the rates, samples the figures."""
    sampler = Sampler(environment)
    environment.sampler = sampler  # type: ignore[attr-defined]  # for the web UI and the report
    running: list[gevent.Greenlet[..., None]] = []  # what goes on beside a test
    spawned = False  # schedules begin when there are users to keep them

    def choose(**_: Any) -> None:
        """Before a test starts: what to run, as the options say."""
        parsed = environment.parsed_options
        assert parsed
        parsed.rows = list(dict.fromkeys(parsed.rows))
        choose_users(environment)
        environment.shape_class = shapes.make(parsed, sampler)

    def begin(**_: Any) -> None:
        nonlocal spawned
        spawned = False
        runner.send_message("rates", {})
        sampler.begin()
        gevent.killall(running)
        running[:] = [gevent.spawn(steer), gevent.spawn(stall.run, environment.parsed_options)]

    def complete(**_: Any) -> None:
        nonlocal spawned
        assert environment.parsed_options
        if environment.parsed_options.arrivals != "closed" and not spawned:
            runner.stats.clear_all()  # the schedule begins now, and so does the time that counts
            sampler.begin()
        spawned = True

    def send_rates() -> None:
        parsed = environment.parsed_options
        assert parsed
        if parsed.arrivals == "closed" or not spawned:
            return
        shape = environment.shape_class
        rates = shape.rates if isinstance(shape, shapes.Shape) else dict.fromkeys(parsed.rows, parsed.rate)
        if isinstance(runner, LocalRunner):
            runner.send_message("rates", rates)
        else:
            for worker, share in dealing.shares(rates, runner).items():
                runner.send_message("rates", share, worker)

    def steer() -> None:
        while True:  # again and again: the shape moves on, workers come and go
            gevent.sleep(SAMPLE_S / 4)
            send_rates()
            if isinstance(runner, LocalRunner):
                sampler.note_process("this process", describe(runner))

    def end(**_: Any) -> None:
        gevent.killall(running)
        sampler.end()

    def worker_report(client_id: str, data: dict[str, Any], **_: Any) -> None:
        if generator := data.get("generator"):
            sampler.note_process(client_id, generator)

    take_over(environment, runner)
    environment.choose = choose  # type: ignore[attr-defined]  # the web UI calls it with the form's values
    choose()
    environment.events.test_start.add_listener(begin)
    environment.events.spawning_complete.add_listener(complete)
    environment.events.test_stop.add_listener(end)
    environment.events.worker_report.add_listener(worker_report)
    if environment.web_ui:
        webui.install(environment)


def take_over(environment: Environment, runner: MasterRunner | LocalRunner) -> None:
    """What Locust calls to change its users, and to end: rows stay equal, and what is in flight is counted."""
    start, finish = runner.start, runner.quit

    def start_evenly(user_count: int, spawn_rate: float, **more: Any) -> None:
        """Whoever asks: the form, the command line, a shape, a key in the terminal."""
        start(dealing.even(user_count, len(environment.user_classes)), spawn_rate, **more)

    def drain_and_quit() -> None:
        before = runner.worker_count
        runner.stop()  # Locust would tell its workers to quit, and cut off what is in flight
        with gevent.Timeout(DRAIN_S, exception=None):
            while runner.worker_count < before:  # until they are back, and can be told to quit
                gevent.sleep(0.05)
        finish()

    if isinstance(runner, MasterRunner):
        forget_lost_workers(runner)
    runner.quit = drain_and_quit  # type: ignore[method-assign]  # Locust calls this one, whatever ends a test
    runner.start = start_evenly  # type: ignore[method-assign,assignment]  # … and this one, whatever changes its users
    environment.dispatcher_class = dealing.Dispatcher  # type: ignore[assignment]  # all that Locust's runners ask of one
    environment.stop_timeout = environment.stop_timeout or DRAIN_S


def forget_lost_workers(runner: MasterRunner) -> None:
    """Locust would call a test stopping for a minute after it lost a worker, although all others have stopped."""
    check = runner.check_stopped

    def check_stopped() -> None:
        if runner.state == STATE_STOPPING and all(
            node.state in (STATE_INIT, STATE_MISSING) for node in runner.clients.all
        ):
            runner.update_state(STATE_STOPPED)
        else:
            check()

    runner.check_stopped = check_stopped  # type: ignore[method-assign]  # Locust calls it after every message
