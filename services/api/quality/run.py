"""Runs the configured audit command: one at a time, without a shell, bounded in time and output."""

import asyncio
import contextlib
import os
import shlex
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from services.api.quality.folder import FolderError, read_folder
from services.api.quality.model import AuditRun, RunResult
from services.api.quality.settings import QualitySettings
from services.api.quality.store import QualityStore
from services.common.clock import Clock
from services.common.storage import StorageUnavailableError

OUTPUT_BYTES = 65_536
_CHUNK = 16_384
_GRACE = 5.0
_SLACK = 120.0
log = structlog.get_logger(__name__)


class NoCommandError(ValueError):
    """No audit command is configured."""


class AuditRunner:
    """Starts the command in a session of its own and ends all that is left of it."""

    def __init__(self, store: QualityStore, settings: QualitySettings, base: Path, clock: Clock) -> None:
        self._store, self._settings, self._base, self._clock = store, settings, base, clock
        self._task: asyncio.Task[None] | None = None

    async def start(self, by: str) -> AuditRun:
        """Start the command and return its run at once; raises NoCommandError and RunningError."""
        settings = self._settings
        if not settings.audit_command:
            raise NoCommandError
        longest = settings.audit_timeout + _GRACE + _SLACK
        run = await self._store.start_run(by, shlex.join(settings.audit_command), longest)
        self._task = asyncio.create_task(self._run(run), name="audit")
        return run

    async def stop(self) -> None:
        """End the command that runs, if one does."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def wait(self) -> None:
        """Return when the command that runs has ended."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self, run: AuditRun) -> None:
        ended = run.model_copy(update={"result": "lost", "detail": "The API was stopped before the command ended."})
        try:
            ended = await self._outcome(run)
        except Exception as error:  # The one of this task: whatever went wrong, the run must be told as ended.
            log.exception("audit_run_failed", run=run.id, reason=type(error).__name__)
            ended = run.model_copy(update={"result": "lost", "detail": f"It failed: {type(error).__name__}."})
        finally:
            ended = ended.model_copy(update={"finished_at": self._clock.now()})
            log.info("audit_run_ended", run=run.id, result=ended.result)
            try:
                await self._store.end_run(ended)
            except StorageUnavailableError as error:
                # A later start takes the run for lost when its time is over.
                log.warning("audit_run_not_recorded", run=run.id, error=str(error))

    async def _outcome(self, run: AuditRun) -> AuditRun:
        with tempfile.TemporaryDirectory(prefix="tocsin-audit-") as folder:
            result, exit_code, detail, output = await self._command(Path(folder))
            audit_id = None
            if result == "done":
                try:
                    audit_id = await self._take(Path(folder), run.started_by)
                except FolderError as error:
                    result, detail = error.result, str(error)
                except StorageUnavailableError as error:
                    result, detail = "bad_report", f"The reports could not be stored: {error}."
        return run.model_copy(
            update={
                "result": result,
                "exit_code": exit_code,
                "detail": detail,
                "output": output.replace("\x00", "\ufffd"),
                "audit_id": audit_id,
            }
        )

    async def _take(self, folder: Path, by: str) -> int:
        body, reports = await asyncio.to_thread(read_folder, folder)
        audit_id = await self._store.create(body, by)
        for report in reports:
            await self._store.put(audit_id, report, by)
        await self._store.finish(audit_id, by)
        return audit_id

    async def _command(self, folder: Path) -> tuple[RunResult, int | None, str, str]:
        settings = self._settings
        environment = {"PATH": os.defpath, "HOME": str(folder)} | settings.audit_environment
        printed = _Printed()
        async with printed.pipe() as into:
            try:
                process = await asyncio.create_subprocess_exec(
                    *settings.audit_command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=into,
                    stderr=into,
                    cwd=self._base,
                    env=environment | {"TOCSIN_AUDIT_DIR": str(folder)},
                    start_new_session=True,
                )
            except OSError as error:
                return "failed", None, f"The command can't be started: {error.strerror}.", ""
            finally:
                os.close(into)
            try:
                # The deadline is the machine's: it guards against a program that hangs.
                async with asyncio.timeout(settings.audit_timeout):
                    code = await process.wait()
            except TimeoutError:
                detail = f"It ran longer than audit_timeout ({settings.audit_timeout:.0f} s)."
                result: tuple[RunResult, int | None, str] = ("timed_out", None, detail)
            else:
                result = ("failed", code, f"It ended with the exit code {code}.") if code else ("done", code, "")
            finally:
                await _end_group(process)
        return *result, printed.text()


class _Printed:
    """The end of what is written into a pipe of our own.

    Not asyncio's pipe of a process: with that one `wait` returns only when nobody holds the pipe any more, and what a
    command leaves in the background may hold it for ever.
    """

    def __init__(self) -> None:
        self._kept = bytearray()

    @contextlib.asynccontextmanager
    async def pipe(self) -> AsyncIterator[int]:
        """Lend the end to write into, which the caller closes; at the end what was written is read, for a while."""
        out, into = os.pipe()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(out, "rb", 0))
        reading = asyncio.create_task(self._read(reader))
        try:
            yield into
        finally:
            # What left the process group may hold the pipe open; what was read by then is what is kept.
            await asyncio.wait({reading}, timeout=_GRACE)
            reading.cancel()
            transport.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(_CHUNK):
            self._kept += chunk
            del self._kept[:-OUTPUT_BYTES]

    def text(self) -> str:
        """Return what was kept."""
        return bytes(self._kept).decode("utf-8", "replace")


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """Ask the command to end, then end all that it started; its group is its own since it began a session."""
    if process.returncode is None:
        _signal(process.pid, signal.SIGTERM)
        waiting = asyncio.ensure_future(process.wait())
        await asyncio.wait({waiting}, timeout=_GRACE)
    _signal(process.pid, signal.SIGKILL)
    await process.wait()


def _signal(group: int, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, which)
