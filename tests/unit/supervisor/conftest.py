import io

import pytest

from services.common.clock import SystemClock
from services.supervisor.console import Console
from services.supervisor.datadir import DataDir


@pytest.fixture
def data(tmp_path):
    folder = DataDir(tmp_path / "data")
    folder.create()
    return folder


@pytest.fixture
def screen():
    return io.StringIO()


@pytest.fixture
def console(screen):
    return Console(SystemClock(), screen)
