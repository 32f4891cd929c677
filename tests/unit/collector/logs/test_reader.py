"""Lines out of files: bounds, long lines, what has no end yet, and where a restart goes on."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.sources.logs.reader import LineReader

LIMIT = 256


def reader(tmp_path: Path, data: bytes, offset: int = 0, **settings: bool) -> LineReader:
    (tmp_path / "f").write_bytes(data)
    return LineReader(str(tmp_path / "f"), offset, max_line=LIMIT, **settings)


def texts(one: LineReader, budget: int = 10**9) -> list[bytes]:
    return [line for _, line in one.lines(budget)]


def test_only_whole_lines(tmp_path: Path) -> None:
    one = reader(tmp_path, b"a\nbb\nhalf")
    assert list(one.lines(1000)) == [(0, b"a"), (2, b"bb")]
    assert one.offset == 5
    assert texts(one) == []
    with (tmp_path / "f").open("ab") as file:
        file.write(b" done\n")
    assert list(one.lines(1000)) == [(5, b"half done")]


@pytest.mark.parametrize("length", [LIMIT, LIMIT + 1, 100_000, 300_000, 1_000_000])
def test_a_long_line_is_cut_and_the_next_is_whole(tmp_path: Path, length: int) -> None:
    one = reader(tmp_path, b"first\n" + b"x" * length + b"\nlast\n")
    found = texts(one)
    assert found == [b"first", b"x" * LIMIT, b"last"]
    assert one.cut == (1 if length > LIMIT else 0)


def test_a_long_line_without_end_is_given_out_once(tmp_path: Path) -> None:
    one = reader(tmp_path, b"x" * 700)
    assert texts(one) == [b"x" * LIMIT]
    with (tmp_path / "f").open("ab") as file:
        file.write(b"x" * 700)
    assert texts(one) == []
    again = LineReader(str(tmp_path / "f"), one.position(one.offset).offset, max_line=LIMIT, skipping=True)
    with (tmp_path / "f").open("ab") as file:
        file.write(b"end\nnext\n")
    assert texts(one) == [b"next"]
    assert texts(again) == [b"next"]


def test_a_position_says_when_it_is_within_a_cut_line(tmp_path: Path) -> None:
    one = reader(tmp_path, b"a\n" + b"x" * 700)
    assert len(texts(one)) == 2
    assert one.position(one.offset).skipping
    assert not one.position(0).skipping


def test_the_budget_bounds_a_pass(tmp_path: Path) -> None:
    one = reader(tmp_path, b"0123456789\n" * 100_000)
    assert len(texts(one, budget=1)) < 30_000
    while one.offset < one.size:
        assert texts(one, budget=300_000)


@pytest.mark.parametrize(
    ("data", "rest", "expected"),
    [
        (b"", b"a\n", [b"a"]),
        (b"old\n", b"a\n", [b"a"]),
        (b"old\nhal", b"f\na\n", [b"half", b"a"]),
        (b"begun", b" here\na\n", [b"begun here", b"a"]),
        (b"x" * 1000, b"x\na\n", [b"a"]),
        (b"old\n" + b"x" * 1000, b"x\na\n", [b"a"]),
    ],
)
def test_from_the_end_on(tmp_path: Path, data: bytes, rest: bytes, expected: list[bytes]) -> None:
    one = reader(tmp_path, data)
    one.go_to_end()
    with (tmp_path / "f").open("ab") as file:
        file.write(rest)
    assert texts(one) == expected


@given(
    lines=st.lists(st.binary(max_size=600).map(lambda line: line.replace(b"\n", b"")), max_size=30),
    budget=st.integers(1, 3000),
    stops=st.sets(st.integers(0, 29)),
)
def test_any_file_gives_its_lines_once_over_restarts(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], budget: int, stops: set[int]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "f"
    path.write_bytes(b"")
    one, found = LineReader(str(path), 0, max_line=LIMIT), []
    for number, line in enumerate(lines):
        with path.open("ab") as file:
            # In two halves: the reader often meets a line without its end.
            file.write(line[: len(line) // 2])
            file.flush()
            found += texts(one, budget)
            file.write(line[len(line) // 2 :] + b"\n")
        if number in stops:
            position = one.position(one.offset)
            one.close()
            one = LineReader(str(path), position.offset, max_line=LIMIT, skipping=position.skipping)
        found += texts(one, budget)
    while got := texts(one, budget):
        found += got
    one.close()
    assert found == [line[:LIMIT] for line in lines]


def test_replaced_is_told_from_grown(tmp_path: Path) -> None:
    one = reader(tmp_path, b"one\ntwo\n")
    texts(one)
    one.remember()
    assert not one.was_replaced()
    with (tmp_path / "f").open("ab") as file:
        file.write(b"three\n")
    assert not one.was_replaced()
    (tmp_path / "f").write_bytes(b"other\nlines\nin it\n")
    assert one.was_replaced()
    one.begin_again()
    assert texts(one) == [b"other", b"lines", b"in it"]
    one.remember()
    os.truncate(tmp_path / "f", 0)
    assert one.was_replaced()
