"""One world for all tests of this folder; the packs themselves are not part of Tocsin."""

import os
from pathlib import Path

import pytest

from tests.integration.collector.compat.world import World, living


@pytest.fixture(scope="session")
def world() -> World:
    return living()


@pytest.fixture(scope="session")
def packs() -> Path:
    folder = os.environ.get("TOCSIN_RULEPACKS", "")
    if not folder:
        pytest.skip("set TOCSIN_RULEPACKS to a folder with community rule packs and dashboards")
    return Path(folder).absolute()
