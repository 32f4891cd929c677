"""The scheduled tasks' last runs over a restart: one small file for each target."""

from collections.abc import Sequence
from pathlib import Path

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from services.collector.sources.celery.beat import Scheduled

log = structlog.get_logger(__name__)
_ADAPTER = TypeAdapter(tuple[Scheduled, ...])


class ScheduleFile:
    """Holds what was written last; a file that can't be used costs only the wait for the next runs."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.json"
        self._written = b""
        self._failing = False

    def read(self) -> tuple[Scheduled, ...]:
        """Return what was written last; nothing at the very first start, and for a file that can't be understood."""
        try:
            self._written = self._path.read_bytes()
            return _ADAPTER.validate_json(self._written)
        except FileNotFoundError:
            return ()
        except (OSError, ValidationError) as error:
            log.warning("schedule_state_broken", path=str(self._path), error=type(error).__name__)
            return ()

    def write(self, state: Sequence[Scheduled]) -> None:
        """Replace the file in one step where the state is another than the file's; a failure is logged once."""
        content = orjson.dumps(state)
        if content == self._written:
            return
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.write_bytes(content)
            fresh.replace(self._path)
        except OSError as error:
            if not self._failing:
                log.warning("schedule_state_not_written", path=str(self._path), error=str(error))
            self._failing = True
            return
        self._written, self._failing = content, False
