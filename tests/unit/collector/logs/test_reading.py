"""One pass over real files: what is met first, bounds, patterns, pipes and what can't be read."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from services.collector.sources.logs import tail as tail_module
from services.collector.sources.logs.discovery import discover
from services.collector.sources.logs.model import LogTarget
from tests.unit.collector.logs.conftest import Driven

Make = Callable[..., Driven]


def test_at_first_only_what_comes_is_read(make: Make) -> None:
    app = make(start_at="end")
    app.info(5)
    app.read()
    assert app.counted == 0
    app.info(2)
    assert app.read().counted == 2


def test_files_that_come_later_are_read_whole(make: Make) -> None:
    app = make(start_at="end", paths=("*.log",))
    app.info(5)
    app.read()
    app.info(3, name="second.log")
    assert app.read().counted == 3


def test_what_only_a_new_pattern_names_is_met_for_the_first_time(make: Make) -> None:
    app = make(start_at="end")
    app.info(1)
    app.read()
    app.info(2)
    app.info(5, name="other.log")
    app.crash(paths=("app.log", "other.log"))
    app.read()
    assert app.counted == 2
    app.info(1, name="other.log")
    assert app.read().counted == 3


def test_a_huge_backlog_is_passed_over(make: Make) -> None:
    app = make(max_backlog="64KiB")
    app.info(1)
    app.read()
    app.crash()
    app.write(*['{"level":"info","event":"old"}'] * 5000)
    app.read()
    assert app.counted == 1
    size = (app.folder / "app.log").stat().st_size
    assert app.tail.tally.counts.bytes_skipped == size - app.tail.tally.counts.bytes_read
    app.info(1)
    assert app.read().counted == 2


def test_a_pass_reads_a_bounded_part(make: Make) -> None:
    app = make()
    app.write(*['{"level":"info","event":"' + "x" * 1000 + '"}'] * 4000)
    assert app.tail.own()
    assert app.tail.read(1.0, 1.0)
    assert app.tail.tally.counts.bytes_read < 2 * tail_module._BUDGET
    assert app.read().counted == 4000


def test_a_record_waits_for_its_traceback_and_no_longer(make: Make) -> None:
    app = make(format="python", flush_after="1s")
    app.write("ERROR:shop:failed", "Traceback (most recent call last):", '  File "/srv/a/b.py", line 1, in f')
    app.read(after=0.5)
    assert app.counted == 0
    app.write("ValueError: bad 7")
    app.read(after=0.5)
    assert app.counted == 0
    app.read(after=1)
    assert app.errors == {"bad <n>": 1}


def test_a_restart_in_the_middle_of_a_record_reads_it_whole(make: Make) -> None:
    app = make(format="python")
    app.write("INFO:shop:first", "ERROR:shop:failed", "Traceback (most recent call last):")
    app.read(after=0.5)
    assert app.counted == 1
    app.stop()
    app.write('  File "/srv/a/b.py", line 1, in f', "ValueError: bad 7")
    app.read(after=0.5)
    app.read(after=2)
    assert app.errors == {"bad <n>": 1}
    assert app.counted == 2


def test_what_is_of_no_format_counts_line_by_line(make: Make) -> None:
    app = make()
    app.write("hello", "there", '{"level":"info"}', "{broken")
    app.read()
    assert app.tail.tally.counts.unparsed == 3
    assert app.counted == 4


def test_a_line_that_breaks_its_parser_stops_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make()

    def broken(_lines: list[str]) -> None:
        raise RecursionError

    monkeypatch.setattr(app.tail.tally._form.__class__, "parse", lambda _self, lines: broken(lines))
    app.info(3)
    app.read()
    assert app.tail.tally.counts.unparsed == 3


def test_too_many_errors_are_told_once(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    app = make(max_fingerprints=2)
    for word in ("one", "two", "three", "one", "four", "two", "five"):
        app.write(f'{{"level":"error","event":"{word}"}}')
    app.read()
    assert capsys.readouterr().out.count("log_fingerprints_full") == 1
    assert app.tail.tally.groups.other == {"error": 3}


def test_patterns_links_exclusions_and_compressed_files(tmp_path: Path) -> None:
    for name in ("a.log", "b.log", "c.log.gz", "skip.log", "deep/er/d.log", "e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    (tmp_path / "link.log").symlink_to(tmp_path / "a.log")
    (tmp_path / "folder.log").mkdir()
    target = LogTarget(name="x", paths=("*.log*", "**/*.log", str(tmp_path / "e.txt")), exclude=("skip*",))
    found, ignored = discover(target, tmp_path)
    assert sorted(Path(file.path).name for file in found) in (
        ["a.log", "b.log", "d.log", "e.txt"],
        ["b.log", "d.log", "e.txt", "link.log"],
    )
    assert ignored == 0


def test_of_too_many_files_the_newest_are_followed(make: Make) -> None:
    app = make(paths=("*.log",), max_files=2)
    for number in range(4):
        app.info(1, name=f"{number}.log")
        os.utime(app.folder / f"{number}.log", (number, number))
    app.read()
    assert app.tail.ignored == 2
    assert sorted(Path(one.reader.path).name for one in app.tail.files.values()) == ["2.log", "3.log"]


def test_a_file_that_may_not_be_read_is_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make()
    app.info(1)
    real = os.open

    def refused(path: str, *arguments: int, **more: int) -> int:
        if str(path).endswith("app.log"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **more)

    monkeypatch.setattr(os, "open", refused)
    app.read()
    assert app.tail.denied == {str(app.folder / "app.log"): "Permission denied"}
    monkeypatch.setattr(os, "open", real)
    assert app.read().tail.denied == {}


def test_a_named_pipe(make: Make) -> None:
    app = make(paths=("pipe",))
    os.mkfifo(app.folder / "pipe")
    app.read()
    for number in range(3):
        # Each writer comes and goes; the pipe does not end with them.
        app.write(f'{{"level":"error","event":"x {number}"}}', name="pipe")
        app.read()
    with (app.folder / "pipe").open("w") as file:
        file.write('{"level":"info",')
        file.flush()
        app.read()
        file.write('"event":"y"}\n' + "z" * 30_000)
        file.flush()
        app.read()
        file.write("z" * 40_000 + '\n{"level":"info"}\n')
        file.flush()
    app.read()
    assert app.errors == {"x <n>": 3}
    assert app.counted == 6
    assert app.tail.tally.counts.cut == 1
