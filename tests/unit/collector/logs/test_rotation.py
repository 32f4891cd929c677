"""Each way in which a log file is exchanged, seen while it happens and after a restart: every line counts once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.collector.logs.conftest import Driven

Make = Callable[..., Driven]


def rename(folder: Path, name: str = "app.log", to: str = "app.log.1") -> None:
    (folder / name).rename(folder / to)


def copy_and_truncate(folder: Path, to: str = "app.log.1") -> None:
    shutil.copy2(folder / "app.log", folder / to)
    os.truncate(folder / "app.log", 0)


@pytest.mark.parametrize("paths", [("app.log",), ("app.log*",), ("*.log", "app.log.[0-9]")])
class TestWhileItRuns:
    def test_renamed_and_created(self, make: Make, paths: tuple[str, ...]) -> None:
        app = make(paths=paths)
        app.info(5)
        app.read()
        app.info(3)
        rename(app.folder)
        app.info(2)
        assert app.read().counted == 10

    def test_a_writer_that_opens_the_new_file_late_is_heard(self, make: Make, paths: tuple[str, ...]) -> None:
        app = make(paths=paths)
        app.info(5)
        app.read()
        rename(app.folder)
        app.info(4, name="app.log.1")
        app.read()
        app.info(1)
        app.info(3, name="app.log.1")
        assert app.read().counted == 13

    def test_copied_and_truncated(self, make: Make, paths: tuple[str, ...]) -> None:
        app = make(paths=paths)
        app.info(5)
        app.read()
        app.info(3)
        copy_and_truncate(app.folder)
        app.info(2)
        assert app.read().counted == 10
        assert app.rotations == {"copied": 1}
        app.info(1)
        assert app.read().counted == 11

    def test_copied_now_and_truncated_later(self, make: Make, paths: tuple[str, ...]) -> None:
        app = make(paths=paths)
        app.info(5)
        app.read()
        shutil.copy2(app.folder / "app.log", app.folder / "app.log.1")
        app.read()
        os.truncate(app.folder / "app.log", 0)
        app.read()
        app.info(2)
        assert app.read().counted == 7

    def test_a_copy_that_is_still_being_written_is_not_a_new_log(self, make: Make, paths: tuple[str, ...]) -> None:
        app = make(paths=paths)
        app.info(9)
        app.read()
        whole = (app.folder / "app.log").read_bytes()
        (app.folder / "app.log.1").write_bytes(whole[:100])
        app.read()
        (app.folder / "app.log.1").write_bytes(whole)
        app.read()
        os.truncate(app.folder / "app.log", 0)
        app.info(1)
        assert app.read().counted == 10

    def test_truncated_and_grown_beyond_where_reading_stood(self, make: Make, paths: tuple[str, ...]) -> None:
        app = make(paths=paths)
        app.info(5)
        app.read()
        copy_and_truncate(app.folder)
        app.info(50)
        assert app.read().counted == 55


@pytest.mark.parametrize("end", ["crash", "stop"])
@pytest.mark.parametrize("paths", [("app.log",), ("app.log*",)])
class TestWhileNobodyReads:
    def test_appended(self, make: Make, paths: tuple[str, ...], end: str) -> None:
        app = make(paths=paths)
        app.info(5)
        app.read()
        getattr(app, end)()
        app.info(4)
        assert app.read().counted == 9

    def test_renamed_once(self, make: Make, paths: tuple[str, ...], end: str) -> None:
        app = make(paths=paths)
        app.info(5)
        app.read()
        getattr(app, end)()
        app.info(3)
        rename(app.folder)
        app.info(2)
        assert app.read().counted == 10
        assert app.rotations == {"renamed": 1}

    def test_renamed_three_times(self, make: Make, paths: tuple[str, ...], end: str) -> None:
        app = make(paths=paths)
        app.info(5)
        app.read()
        getattr(app, end)()
        for _ in range(3):
            app.info(3)
            for number in (3, 2, 1):
                if (app.folder / f"app.log.{number}").exists():
                    rename(app.folder, f"app.log.{number}", f"app.log.{number + 1}")
            rename(app.folder)
        app.info(2)
        assert app.read().counted == 16

    def test_copied_and_truncated(self, make: Make, paths: tuple[str, ...], end: str) -> None:
        app = make(paths=paths)
        app.info(5)
        app.read()
        getattr(app, end)()
        app.info(3)
        copy_and_truncate(app.folder)
        app.info(2)
        assert app.read().counted == 10
        assert app.rotations == {"copied": 1}

    def test_a_restart_after_the_rotation_was_seen(self, make: Make, paths: tuple[str, ...], end: str) -> None:
        app = make(paths=paths)
        app.info(5)
        app.read()
        rename(app.folder)
        app.info(2)
        app.read()
        getattr(app, end)()
        app.info(1, name="app.log.1")
        app.info(1)
        assert app.read().counted == 9

    def test_an_older_generation_that_was_deleted_is_counted_as_lost(
        self, make: Make, paths: tuple[str, ...], end: str
    ) -> None:
        app = make(paths=paths)
        app.info(5)
        app.read()
        getattr(app, end)()
        # Held, so that its inode is not given to the new file.
        with (app.folder / "app.log").open():
            (app.folder / "app.log").unlink()
            app.info(3)
            assert app.read().counted == 8
        assert app.rotations == {"lost": 1}


def test_crash_without_remembering_counts_nothing_twice(make: Make) -> None:
    app = make()
    app.info(5)
    app.read()
    app.write('{"level":"error","event":"x"}')
    app.read(remember=False)
    assert app.errors == {"x": 1}
    app.crash()
    app.read()
    assert app.counted == 6
    assert app.errors == {"x": 1}


def test_a_new_file_with_the_old_inode_is_new(make: Make) -> None:
    app = make()
    app.info(5)
    app.read()
    app.crash()
    content = (app.folder / "app.log").read_text().replace("request", "another")
    (app.folder / "app.log").write_text(content + content)
    assert app.read().counted == 15
    assert app.rotations == {"lost": 1}


def test_a_file_from_another_disk_goes_on(make: Make) -> None:
    # A restored backup, or a volume mounted anew: another inode, the same bytes.
    app = make()
    app.info(5)
    app.read()
    app.crash()
    shutil.copy2(app.folder / "app.log", app.folder / "fresh")
    (app.folder / "fresh").replace(app.folder / "app.log")
    app.info(1)
    assert app.read().counted == 6


def test_a_hole_that_a_writer_without_append_leaves(make: Make) -> None:
    app = make()
    with (app.folder / "app.log").open("w") as file:
        for number in range(400):
            file.write(f'{{"level":"info","event":"request {number}"}}\n')
        file.flush()
        assert app.read().counted == 400
        shutil.copy2(app.folder / "app.log", app.folder / "app.log.1")
        os.truncate(app.folder / "app.log", 0)
        file.write('{"level":"error","event":"after the hole"}\n')
        file.flush()
        app.read()
    assert app.counted == 401
    assert app.errors == {"after the hole": 1}
    assert app.tail.tally.counts.unparsed == 0


def test_after_its_time_a_rotated_file_is_let_go(make: Make) -> None:
    app = make(rotate_wait="60s")
    app.info(1)
    app.read()
    rename(app.folder)
    app.info(1)
    app.read()
    assert len(app.tail.files) == 2
    app.read(after=59)
    assert len(app.tail.files) == 2
    app.read(after=2)
    assert len(app.tail.files) == 1


@pytest.mark.parametrize(
    "name", ["app.log.1", "app.log-20260101", "app.log.2026-01-01_10-00-00", "app.2026-01-01.log", "app.log.old"]
)
def test_generations_by_their_names(make: Make, name: str) -> None:
    app = make()
    app.info(2)
    app.read()
    app.crash()
    app.info(2)
    rename(app.folder, to=name)
    app.info(1)
    assert app.read().counted == 5


@pytest.mark.parametrize("name", ["app.log.gz", "app.log.audit", "app.logger", "application.log", "app.log.1.gz"])
def test_other_files_beside_it_are_not_its_generations(make: Make, name: str) -> None:
    app = make()
    app.info(2)
    app.read()
    app.crash()
    app.write('{"level":"error","event":"not mine"}', name=name)
    with (app.folder / "app.log").open():
        (app.folder / "app.log").unlink()
        app.info(1)
        app.read()
    assert app.errors == {}
    assert app.counted == 3


def test_generations_that_were_read_are_not_missed_later(make: Make) -> None:
    app = make()
    app.info(3)
    app.read()
    rename(app.folder)
    app.info(3)
    app.read()
    app.crash()
    # Both are known by now; the older one has gone on to its next name, or is deleted.
    rename(app.folder, "app.log.1", "app.log.2")
    rename(app.folder)
    app.info(1)
    app.read()
    app.crash()
    (app.folder / "app.log.2").unlink()
    assert app.read().counted == 7
    assert app.rotations == {"renamed": 1}
