"""A tail on real files, driven by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.collector.sources.logs.model import LogTarget
from services.collector.sources.logs.state import StateFile
from services.collector.sources.logs.tail import Tail


class Driven:
    """One service whose logs lie in `folder`; `crash` forgets what was not remembered, `stop` ends well."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        given = {"paths": ("app.log",), "format": "json", "start_at": "beginning", **settings}
        self.target = LogTarget.model_validate({"name": "app", **given})
        self.time = 1_800_000_000.0
        self.tail = self._make()

    def _make(self) -> Tail:
        return Tail(self.target, self.folder, StateFile(self.folder / "state", "app"))

    def read(self, after: float = 2.0, *, remember: bool = True) -> "Driven":
        """Read all there is, as the background task does, `after` seconds later."""
        self.time += after
        assert self.tail.own()
        for _ in range(1000):
            if not self.tail.read(self.time, self.time):
                break
        if remember:
            self.tail.checkpoint(self.time)
        return self

    def crash(self, **settings: Any) -> None:
        # The kernel lets go of lock and files when a process dies; nothing else happens.
        self.tail._state.release()
        for followed in self.tail.files.values():
            followed.close()
        if settings:
            self.target = LogTarget.model_validate({**self.target.model_dump(), **settings})
        self.tail = self._make()

    def stop(self) -> None:
        self.tail.close(self.time)
        self.tail = self._make()

    @property
    def counted(self) -> int:
        return sum(self.tail.tally.counts.levels.values())

    @property
    def errors(self) -> dict[str, int]:
        return {group.pattern: group.count for group in self.tail.tally.groups.table.values()}

    @property
    def rotations(self) -> dict[str, int]:
        return self.tail.tally.counts.rotations

    def write(self, *texts: str, name: str = "app.log", mode: str = "a") -> None:
        with (self.folder / name).open(mode) as file:
            file.writelines(f"{text}\n" for text in texts)

    def info(self, count: int, name: str = "app.log") -> None:
        self.number = getattr(self, "number", 0)
        for _ in range(count):
            self.number += 1
            self.write(f'{{"level":"info","event":"request {self.number}"}}', name=name)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Driven]]:
    made: list[Driven] = []

    def make(**settings: Any) -> Driven:
        made.append(Driven(tmp_path, **settings))
        return made[-1]

    yield make
    for driven in made:
        driven.tail.close(driven.time)
