from collections.abc import AsyncIterator

import pytest

from tests.integration.collector.postgres.clusters import Cluster, need, primary

EXTENSIONS = ("CREATE EXTENSION pg_stat_statements", "CREATE EXTENSION pg_buffercache")


@pytest.fixture(params=[15, 18])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """A fresh server of an old and of the newest version."""
    need(request.param)
    server = primary(request.param)
    try:
        await server.ready()
        await server.run("CREATE ROLE watcher LOGIN IN ROLE pg_monitor", *EXTENSIONS)
        yield server
    finally:
        server.remove()


@pytest.fixture
async def newest() -> AsyncIterator[Cluster]:
    """A fresh server of the newest version."""
    server = primary()
    try:
        await server.ready()
        await server.run("CREATE ROLE watcher LOGIN IN ROLE pg_monitor", *EXTENSIONS)
        yield server
    finally:
        server.remove()
