"""A runner for `.test` scripts in promqltest's form, for our own cases.

    load STEP / series lines        eval instant at TIME EXPR / eval range from A to B step S EXPR / expected lines
    series@st 1000 _ 5000           (start times of the next line's samples, ms)
    clear                           expect fail [TEXT] | ordered | warn | info | string TEXT

A sequence is made of values, `_` (missing), `stale`, `AxN` (A, N times more), `A+BxN`, `A-BxN`, `_xN`.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.evaluator.promql import Engine, EvaluationError, Result, parse
from services.evaluator.promql.ast import Selector
from services.evaluator.promql.lexer import parse_number
from tests.promql.memory import HeadStorage, MemoryStorage

INSTANT = re.compile(r"eval instant at (\S+) (.+)")
RANGE = re.compile(r"eval range from (\S+) to (\S+) step (\S+) (.+)")
RUN = re.compile(r"(_|[^x_]+?)x(\d+)")
RAMP = re.compile(r"(.*[^e+-])([+-])(\d.*)")
TOLERANCE = 1e-9


@dataclass
class Case:
    where: str
    loads: list[tuple[int, list[str]]]
    times: tuple[int, ...]
    expr: str
    expected: list[str] = field(default_factory=list)


def milliseconds(text: str) -> int:
    value = parse_number(text)
    assert value is not None, text
    return round(value * 1000)


def cases(path: Path) -> Iterator[Case]:
    loads: list[tuple[int, list[str]]] = []
    case: Case | None = None
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if raw[0].isspace():
            (loads[-1][1] if case is None else case.expected).append(line)
            continue
        if case is not None:
            yield case
        case = None
        if line == "clear":
            loads = []
        elif line.startswith("load "):
            loads = [*loads, (milliseconds(line.split()[1]), [])]
        elif found := INSTANT.fullmatch(line):
            case = Case(f"{path.stem}:{number}", loads, (milliseconds(found[1]),), found[2])
        elif found := RANGE.fullmatch(line):
            times = tuple(milliseconds(found[index]) for index in (1, 2, 3))
            case = Case(f"{path.stem}:{number}", loads, times, found[4])
        else:
            raise ValueError(f"{path.name}:{number}: {line}")
    if case is not None:
        yield case


def sequence(text: str) -> list[float | str | None]:
    out: list[float | str | None] = []
    for word in text.split():
        found = RUN.fullmatch(word)
        body, times = (found[1], int(found[2])) if found else (word, 0)
        if body == "_":
            out += [None] * max(times, 1)
            continue
        if body == "stale":
            out.append("stale")
            continue
        ramp = RAMP.fullmatch(body)
        start, step = (float(ramp[1]), float(ramp[2] + ramp[3])) if ramp else (float(body), 0.0)
        out += [start + step * index for index in range(times + 1)]
    return out


def series(text: str) -> tuple[dict[str, str], list[float | str | None]]:
    end = text.rfind("}") + 1 or text.index(" ")
    head = text[:end]
    labels: dict[str, str] = {}
    if head != "{}":
        node = parse(head)
        assert isinstance(node, Selector)
        labels = {matcher.name: matcher.value for matcher in node.matchers}
    return labels, sequence(text[end:])


def fill(storage: MemoryStorage | HeadStorage, case: Case) -> None:
    for step, lines in case.loads:
        loaded, starts = [], ""
        for line in lines:
            if "@st " in line:
                starts = line
                continue
            labels, values = series(line)
            samples = [(index * step, value) for index, value in enumerate(values) if value is not None]
            loaded.append((labels, samples))
            if starts:
                begin(storage, starts, step)
                starts = ""
        storage.load(loaded)


def begin(storage: MemoryStorage | HeadStorage, line: str, step: int) -> None:
    """Read `series@st a b …`: since when the samples of the next line have counted, in ms; `_` is unknown."""
    assert isinstance(storage, MemoryStorage), "only this storage knows start times"
    head, _, words = line.partition("@st ")
    labels, _ = series(head + " ")
    starts = [(index * step, int(word)) for index, word in enumerate(words.split()) if word != "_"]
    storage.start(labels, starts)


def close(found: float, wanted: float) -> bool:
    if math.isnan(wanted) or math.isnan(found):
        return math.isnan(wanted) and math.isnan(found)
    return found == wanted or math.isclose(found, wanted, rel_tol=TOLERANCE)


def flatten(result: Result) -> dict[frozenset[tuple[str, str]], list[float | None]]:
    value = result.value
    if result.type == "scalar":
        return {frozenset(): [value.value]}
    if result.type == "vector":
        pairs = zip(value.labels, value.values.tolist(), strict=True)
        return {frozenset(labels.items()): [number] for labels, number in pairs}
    rows = zip(value.labels, value.values.tolist(), value.present.tolist(), strict=True)
    return {
        frozenset(labels.items()): [v if here else None for v, here in zip(cells, present, strict=True)]
        for labels, cells, present in rows
    }


def run(case: Case, engine: Engine, storage: MemoryStorage | HeadStorage) -> None:
    """Evaluate a case and raise AssertionError where the result is not the expected one."""
    fill(storage, case)
    orders = [line.removeprefix("expect ") for line in case.expected if line.startswith("expect ")]
    expected = [line for line in case.expected if not line.startswith("expect ")]
    failing = next((order for order in orders if order.startswith("fail")), None)
    try:
        if len(case.times) == 1:
            result = engine.instant(case.expr, storage, case.times[0])
        else:
            result = engine.range(case.expr, storage, *case.times)
    except EvaluationError as problem:
        assert failing is not None, f"{case.where}: {problem}"
        assert failing.removeprefix("fail").strip() in problem.message, f"{case.where}: {problem}"
        return
    assert failing is None, f"{case.where}: expected to fail, gave {flatten(result)}"
    for kind, notes in (("warn", result.warnings), ("info", result.infos)):
        assert (kind in orders) == bool(notes), f"{case.where}: {kind}: {notes}"
    compare(case, result, expected, orders)


def compare(case: Case, result: Result, expected: list[str], orders: list[str]) -> None:
    text = next((order.removeprefix("string ") for order in orders if order.startswith("string ")), None)
    if text is not None:
        assert result.type == "string", case.where
        assert result.value.value == text, case.where
        return
    if result.type == "scalar" and len(expected) == 1 and " " not in expected[0]:
        expected = ["{} " + expected[0]]
    wanted = {frozenset(labels.items()): values for labels, values in map(series, expected)}
    found = flatten(result)
    assert found.keys() == wanted.keys(), f"{case.where}: {case.expr}: {found}"
    for labels, values in wanted.items():
        cells = found[labels]
        assert len(cells) == len(values), f"{case.where}: {case.expr}: {cells}"
        for cell, value in zip(cells, values, strict=True):
            same = cell is value is None or (cell is not None and isinstance(value, float) and close(cell, value))
            assert same, f"{case.where}: {case.expr}: {dict(labels)}: {cells} is not {values}"
    if "ordered" in orders:
        assert list(found) == list(wanted), f"{case.where}: order"
