"""Both services in one process, spoken to over HTTP without a server in between, on a real PostgreSQL."""

from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

import workloads
from tests.contract.apps import Ask, Both, ask_asgi, ask_wsgi


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own: FastAPI's."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session", autouse=True)
def workloads_on_postgres(database_url: str) -> Iterator[None]:
    """The services take the address when they are imported, so that must not happen before this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workloads, "DATABASE_URL", database_url)
        patch.setattr(workloads, "POOL", {**workloads.POOL, "min_size": 2})
        yield


@pytest.fixture(scope="session")
def flask(workloads_on_postgres: None, database_url: str) -> Iterator[Ask]:
    from flask_service import create_app, database

    app = create_app()
    assert database.pool.conninfo == database_url
    yield ask_wsgi(app)
    database.pool.close()


@pytest.fixture(scope="session")
def fastapi(workloads_on_postgres: None, database_url: str, portal: BlockingPortal) -> Iterator[Ask]:
    from fastapi_service import create_app, database

    app = create_app()
    assert database.pool.conninfo == database_url
    with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield ask_asgi(app, portal)


@pytest.fixture(params=["flask", "fastapi"])
def service(request: pytest.FixtureRequest) -> Ask:
    """Each of the two in turn."""
    ask: Ask = request.getfixturevalue(request.param)
    return ask


@pytest.fixture
def both(flask: Ask, fastapi: Ask) -> Both:
    """Asks both, checks that their answers are alike, and returns that answer."""
    return Both(flask, fastapi)
