"""The kernel says how long a thread was ready to run while others ran."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from lab.generator import contention

linux = pytest.mark.skipif(not contention.KNOWN, reason="only Linux says how long a thread waited for a CPU")


@linux
def test_two_that_want_one_cpu_wait_for_each_other() -> None:
    cpu = min(os.sched_getaffinity(0))
    spin = [sys.executable, "-c", f"import os; os.sched_setaffinity(0, [{cpu}])\nwhile True: pass"]
    both = [subprocess.Popen(spin) for _ in range(2)]
    pids = [each.pid for each in both]
    try:
        time.sleep(0.3)
        before, began = contention.waits(pids), time.monotonic()
        time.sleep(1)
        share = contention.waited_s(before, contention.waits(pids)) / (time.monotonic() - began)
    finally:
        for each in both:
            each.kill()
            each.wait()
    assert share > 0.8  # one of the two waits at every moment, and both where a third one has the CPU


@linux
def test_who_sleeps_waits_for_no_cpu() -> None:
    sleeping = subprocess.Popen(["sleep", "60"])
    try:
        time.sleep(0.2)
        before = contention.waits([sleeping.pid])
        time.sleep(0.2)
        assert contention.waited_s(before, contention.waits([sleeping.pid])) == 0
    finally:
        sleeping.kill()
        sleeping.wait()


def test_a_thread_that_began_meanwhile_counts_whole_and_one_that_ended_not_at_all() -> None:
    assert contention.waited_s({"1": 5 * 10**8, "2": 10**9}, {"1": 7 * 10**8, "3": 10**8}) == pytest.approx(0.3)


def test_processes_that_have_ended_have_waited_for_nothing() -> None:
    assert contention.waits([2**22 + 1]) == {}


def test_idle_time_is_of_the_first_cpus_and_stolen_time_of_the_second() -> None:
    times = psutil.cpu_times(percpu=True)
    idle_s, stolen_s = contention.idle_and_stolen_s([0], [])
    assert (idle_s >= times[0].idle, stolen_s) == (True, 0)
    assert contention.idle_and_stolen_s([], [0, 99_999])[0] == 0
