"""What the person who typed `tocsin up` sees: progress, and trouble once instead of a thousand times."""

import sys
from datetime import datetime
from typing import TextIO

from services.common.clock import Clock
from services.supervisor.process import Notice

QUIET_SECONDS = 60.0
_COLOURS = {"ok": "32", "warning": "33", "error": "31", "dim": "2", "bold": "1"}


class Console:
    """Writes lines; colours only on a terminal."""

    def __init__(self, clock: Clock, stream: TextIO = sys.stdout) -> None:
        self._clock, self._stream = clock, stream
        self._colours = stream.isatty()
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def line(self, text: str = "") -> None:
        """Write one line as it is; a terminal that went away is no reason to stop paging."""
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (BrokenPipeError, OSError):
            return

    def step(self, name: str, text: str, *, seconds: float | None = None, style: str = "ok") -> None:
        """Write one step of progress: who, what, and how long it took."""
        took = "" if seconds is None else self._paint("dim", f"  {seconds:.1f} s")
        self.line(f"  {self._paint(style, f'{name:<12}')} {text}{took}")

    def event(self, name: str, level: str, text: str) -> None:
        """Write what happened to a child, with the time of day."""
        at = datetime.fromtimestamp(self._clock.now()).astimezone().strftime("%H:%M:%S")
        self.line(f"{self._paint('dim', at)} {self._paint(level, f'{name:<12}')} {text}")

    def notice(self, name: str, notice: Notice) -> None:
        """Write a child's warning or error, the same one at most once a minute with the count of those left out."""
        key, now = (name, notice.key), self._clock.monotonic()
        shown, left_out = self._last.get(key, (-QUIET_SECONDS, 0))
        if now - shown < QUIET_SECONDS:
            self._last[key] = (shown, left_out + 1)
            return
        self._last[key] = (now, 0)
        more = f" (and {left_out} like it since)" if left_out else ""
        self.event(name, notice.level, f"{notice.text}{more}")

    def _paint(self, style: str, text: str) -> str:
        return f"\033[{_COLOURS[style]}m{text}\033[0m" if self._colours else text
