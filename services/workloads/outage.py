"""Whether PostgreSQL is there, as both services find out. How each of them waits for it is theirs."""

import logging

import psycopg
from psycopg.abc import RV, PQGen

import workloads

log = logging.getLogger(__name__)
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it would tell of every attempt of every connection

away = False  # as the last connection that was made or lost has it
made = 0  # connections so far, to tell what came before and what after


def found() -> None:
    """A connection has been made."""
    global made
    say(is_away=False)
    made += 1


def lost(since: int) -> None:
    """An attempt or a query has failed that began when `since` connections had been made.

    One that began before the last of them says nothing of the database now: an attempt may fail seconds later.
    """
    if since == made:
        say(is_away=True)


def say(is_away: bool) -> None:
    """Nothing before the first connection: a service may start before the database, which is no news."""
    global away
    if made and is_away != away:
        log.warning("the database %s", "does not answer" if is_away else "answers again")
    away = is_away


def bounded(gen: PQGen[RV]) -> PQGen[RV]:
    """psycopg's own steps of a query, which end where PostgreSQL, frozen perhaps, says nothing for too long.

    It counts psycopg's looks at the silent socket, not seconds: while a service is itself held up, it does not look.
    """
    silent = 0
    try:
        state = next(gen)
        while True:
            ready = yield state
            silent = 0 if ready else silent + 1
            if silent == workloads.DATABASE_LOOKS:
                raise psycopg.OperationalError("the database says nothing")
            state = gen.send(ready)
    except StopIteration as end:
        result: RV = end.value
        return result
