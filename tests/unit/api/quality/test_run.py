"""What becomes of a run when its end can't be stored, or something falls."""

import sys

import pytest

from services.api.quality.model import AuditRun
from services.api.quality.run import AuditRunner
from services.api.quality.settings import QualitySettings
from services.common.clock import SystemClock
from services.common.storage import StorageUnavailableError

FILLS = """
import os, pathlib
folder = pathlib.Path(os.environ["TOCSIN_AUDIT_DIR"])
(folder / "audit.json").write_text('{"commit": "a", "branch": "main", "lines_of_code": 1}')
(folder / "ruff.json").write_text("[]")
"""


class Shelf:
    """A store that fails as a test wants it."""

    def __init__(self, *, create=None, end=None):
        self._create, self._end, self.ended = create, end, []

    async def start_run(self, by, command, longest):
        return AuditRun(
            id=1, started_at=1.0, started_by=by, finished_at=None, result="running", exit_code=None, detail="",
            output="", audit_id=None,
        )  # fmt: skip

    async def create(self, body, by):
        raise self._create

    async def end_run(self, run):
        self.ended.append(run)
        if self._end is not None:
            raise self._end


async def run(shelf, tmp_path):
    settings = QualitySettings(audit_command=(sys.executable, "-c", FILLS))
    runner = AuditRunner(shelf, settings, tmp_path, SystemClock())
    await runner.start("ada")
    await runner.wait()
    (ended,) = shelf.ended
    assert ended.finished_at is not None
    return ended


@pytest.mark.parametrize(
    ("error", "result", "detail"),
    [
        (StorageUnavailableError("gone"), "bad_report", "The reports could not be stored: gone."),
        (ZeroDivisionError(), "lost", "It failed: ZeroDivisionError."),
    ],
)
async def test_a_run_ends_whatever_falls(tmp_path, error, result, detail):
    ended = await run(Shelf(create=error), tmp_path)
    assert (ended.result, ended.detail) == (result, detail)


async def test_an_end_that_cannot_be_stored_harms_nothing(tmp_path):
    gone = StorageUnavailableError("gone")
    assert (await run(Shelf(create=gone, end=gone), tmp_path)).result == "bad_report"


async def test_without_a_run_there_is_nothing_to_stop(tmp_path):
    runner = AuditRunner(Shelf(), QualitySettings(), tmp_path, SystemClock())
    await runner.wait()
    await runner.stop()
