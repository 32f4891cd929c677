"""The running system, started once for the stories that don't break it for good."""

import pytest
import pytest_asyncio

from tests.e2e.system import System

# One after the other: each starts a dozen processes.
XDIST_GROUP = "e2e"


# Before xdist's own hook, which reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group(XDIST_GROUP))
            item.add_marker(pytest.mark.timeout(600))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory):
    """The demo, up and logged in, operational at the start."""
    system = System(tmp_path_factory.mktemp("system"))
    try:
        await system.start()
        await system.login()
        yield system
    finally:
        await system.stop()
