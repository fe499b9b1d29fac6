"""GET and POST /db, on a real PostgreSQL."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from anyio.from_thread import BlockingPortal
from psycopg_pool import PoolTimeout

import workloads
from tests.contract.apps import Ask, Both, detail
from workloads import outage


def test_a_read_is_one_row_by_random_id_with_its_right_value(service: Ask) -> None:
    rows = [row for _ in range(3) for row in service("GET", "/db?queries=100").json()]
    assert len(rows) == 300
    assert all(row == {"id": row["id"], "value": workloads.item_value(row["id"])} for row in rows)
    assert len({row["id"] for row in rows}) > 200
    assert {1 <= row["id"] <= workloads.ITEMS for row in rows} == {True}


def test_without_a_number_of_queries_it_is_one(service: Ask) -> None:
    assert len(service("GET", "/db").json()) == 1


def test_the_same_ids_give_the_same_bytes_from_both(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workloads, "random_id", lambda: 4_711)
    assert both("GET", "/db?queries=2").json() == [{"id": 4_711, "value": 4_711 * 7_919 % 10_007}] * 2


def test_a_delay_is_spent_by_postgresql_over_each_query(service: Ask, database_url: str) -> None:
    assert workloads.DELAY_MS.high < 1000 * workloads.DATABASE_TIMEOUT_S
    began = time.monotonic()
    rows = service("GET", "/db?queries=3&delay_ms=100").json()
    assert time.monotonic() - began >= 0.3
    assert all(row == {"id": row["id"], "value": workloads.item_value(row["id"])} for row in rows)
    with psycopg.connect(database_url) as db:
        asked = db.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep($%'").fetchone()
    assert asked and asked[0] >= 1


def test_ids_reach_from_the_first_row_to_the_last(database_url: str) -> None:
    with psycopg.connect(database_url) as db:
        assert db.execute("SELECT min(id), max(id), count(*) FROM items").fetchone() == (1, 10_000, 10_000)
        rows = db.execute(workloads.SELECT_ITEM.replace("id = %s", "true")).fetchall()
    assert all(value == workloads.item_value(item_id) for item_id, value in rows)


def test_a_write_is_committed_and_read_back(service: Ask, database_url: str) -> None:
    entry = service("POST", "/db?value=123456").json()
    assert entry == {"id": entry["id"], "value": 123_456}
    with psycopg.connect(database_url) as db:
        assert db.execute(workloads.SELECT_ENTRY, [entry["id"]]).fetchone() == (entry["id"], 123_456)


def test_writes_get_ids_of_their_own(flask: Ask, fastapi: Ask) -> None:
    entries = [ask("POST", "/db?value=1").json() for ask in (flask, fastapi, flask, fastapi)]
    assert len({entry["id"] for entry in entries}) == 4


def test_a_refused_write_writes_nothing(both: Both, database_url: str) -> None:
    def entries() -> object:
        with psycopg.connect(database_url) as db:
            return db.execute("SELECT count(*) FROM entries").fetchone()

    before = entries()
    detail(both("POST", "/db?value=1000001"), 422)
    assert entries() == before


def test_when_the_ids_start_over_a_write_replaces_the_old_entry(service: Ask, database_url: str) -> None:
    first = service("POST", "/db?value=1").json()
    with psycopg.connect(database_url) as db:
        db.execute(f"ALTER SEQUENCE entry_ids RESTART WITH {first['id']}")
    assert service("POST", "/db?value=2").json() == {"id": first["id"], "value": 2}


@pytest.fixture
def frozen() -> Iterator[str]:
    """The address of a server that takes connections and says nothing, as a PostgreSQL that is frozen."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"postgresql://lab@127.0.0.1:{server.getsockname()[1]}/lab"


@pytest.fixture
def known_to_be_away() -> Iterator[None]:
    outage.away = True
    yield
    outage.away = False


def test_while_the_database_is_known_to_be_away_nobody_waits_for_it(both: Both, known_to_be_away: None) -> None:
    before = time.monotonic()
    for method, path in [("GET", "/db"), ("POST", "/db"), ("GET", "/ready")]:
        assert detail(both(method, path), 503) == "the database does not answer: routes that need none still work"
    assert both("GET", "/json").status_code == 200
    assert time.monotonic() - before < workloads.DATABASE_TIMEOUT_S


def test_a_pool_that_is_in_use_is_said_to_be_in_use(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    import fastapi_service.database
    import flask_service.database

    def busy() -> None:
        raise PoolTimeout

    monkeypatch.setattr(flask_service.database.pool, "getconn", busy)
    monkeypatch.setattr(fastapi_service.database.pool, "getconn", busy)
    assert "every database connection is in use" in detail(both("GET", "/db"), 503)


def test_a_listener_gives_up_a_database_that_takes_connections_and_says_nothing(
    frozen: str, portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch, known_to_be_away: None
) -> None:
    import fastapi_service.database
    import flask_service.database

    monkeypatch.setattr(workloads, "DATABASE_URL", frozen)
    for listen in (flask_service.database.listen, lambda: portal.call(fastapi_service.database.listen)):
        outage.away = False
        with pytest.raises(workloads.Problem) as refused:
            listen()
        assert (refused.value.status, outage.away) == (503, True)


def test_an_attempt_to_connect_that_fails_late_does_not_hide_a_database_that_is_back(
    database_url: str, portal: BlockingPortal, known_to_be_away: None
) -> None:
    """Seen in Compose: 503 for a second after the database had been found again."""
    import fastapi_service.database
    import flask_service.database

    def connect_fastapi(url: str) -> None:
        async def connect() -> None:
            await (await fastapi_service.database.Connection.connect(url)).close()

        portal.call(connect)

    def connect_flask(url: str) -> None:
        flask_service.database.Connection.connect(url).close()

    for connect in (connect_flask, connect_fastapi):
        with closing(socket.create_server(("127.0.0.1", 0))) as server, ThreadPoolExecutor() as threads:
            late = threads.submit(connect, f"postgresql://127.0.0.1:{server.getsockname()[1]}/lab")
            with closing(server.accept()[0]):
                connect(database_url)
            with pytest.raises(psycopg.OperationalError):
                late.result()
            assert not outage.away
            outage.away = True
