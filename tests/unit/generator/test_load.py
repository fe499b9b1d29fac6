"""When a load is warm."""

from typing import Any

import gevent

from lab.generator.load import RunningLoad


def test_a_load_is_not_warm_while_users_are_still_to_come() -> None:
    """Seen: of 1,000 users on each of four rows, those of one were still made while another was measured."""
    load: Any = object.__new__(RunningLoad)
    vars(load).update(count=3, members=[], answered=0)

    def answer() -> None:
        while True:
            load.answered += 100
            gevent.sleep(0.01)

    def come() -> None:
        for number in range(3):
            gevent.sleep(0.4)
            load.members.append(number)

    busy = [gevent.spawn(answer), gevent.spawn(come)]
    load.warm_up()
    assert len(load.members) == 3
    gevent.killall(busy)
