"""Parser of the Prometheus text format 0.0.4 and of OpenMetrics 1.0: every line, with its place on the page.

It is the slow and complete way; `page_reader` keeps what it found and reads the next pages by it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_SERIES = rb'(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*+)?(?:[ \t]*+\{(?:[^"}]++|"(?:\\.|[^"\\])*+")*+\})?'
_LINE = re.compile(
    rb"[ \t]*+(?P<series>" + _SERIES + rb")(?:(?<=\})[ \t]*+|[ \t]++)(?P<value>[^ \t{]++)"
    rb"(?:[ \t]++(?P<time>[^ \t#]++))?[ \t]*+(?P<rest>#.*)?",
    re.DOTALL,
)
# Prometheus' parser of the text format takes labels without a comma between them.
_PAIR = re.compile(
    rb'[ \t]*+(?:(?P<plain>[a-zA-Z_][a-zA-Z0-9_]*+)|"(?P<quoted>(?:\\.|[^"\\])*+)")[ \t]*+'
    rb'(?:(?P<eq>=)[ \t]*+"(?P<value>(?:\\.|[^"\\])*+)")?[ \t]*+(?:,|$|(?=["a-zA-Z_]))',
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
_META = re.compile(
    rb"#[ \t]+(?P<kind>HELP|TYPE|UNIT)[ \t]+(?P<name>\"(?:\\.|[^\"\\])*\"|[^ \t]+)(?:[ \t](?P<text>.*))?", re.DOTALL
)
_EXEMPLAR = re.compile(rb'# ?\{(?:[^"}]++|"(?:\\.|[^"\\])*+")*+\}[ \t]+[^ \t]+(?:[ \t]+[^ \t]+)?[ \t]*')
_MAX_SHOWN = 80


class ExpositionError(ValueError):
    """A page that can't be read: `line N: what is wrong`."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line


@dataclass
class MetricMeta:
    """What a page says about a metric."""

    type: str = "unknown"
    help: str = ""
    unit: str = ""


@dataclass
class Page:
    """All samples of a page in its order.

    `series` are the raw bytes of name and labels; `times` are milliseconds, None where the line gives none.
    `key_lengths` has an entry for each line: the bytes before the value, or -1 for lines without a sample.
    `plain` tells that every sample line is `series value` and nothing more.
    """

    series: list[bytes] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    times: list[int | None] = field(default_factory=list)
    meta: dict[str, MetricMeta] = field(default_factory=dict)
    key_lengths: list[int] = field(default_factory=list)
    plain: bool = True


def parse_page(body: bytes, *, openmetrics: bool = False) -> Page:
    """Parse a whole page; raises ExpositionError at the first line that breaks the format."""
    page = Page()
    lines = body.split(b"\n")
    ended = False
    for number, line in enumerate(lines, 1):
        if ended and line:
            raise ExpositionError(number, "text after # EOF")
        if not line or line.isspace():
            page.key_lengths.append(-1)
            if openmetrics and number < len(lines):
                raise ExpositionError(number, "an empty line is not allowed in OpenMetrics")
        elif line.lstrip().startswith(b"#"):
            page.key_lengths.append(-1)
            ended = ended or (openmetrics and line.rstrip(b"\r") == b"# EOF")
            _comment(page, line)
        else:
            _sample(page, line, number, openmetrics=openmetrics)
    if openmetrics and not ended:
        raise ExpositionError(len(lines), "the page does not end with # EOF; it may be cut off")
    return page


def _comment(page: Page, line: bytes) -> None:
    found = _META.match(line)
    if found is None:
        return
    raw = found["name"].decode(errors="replace")
    name = _unescape(raw[1:-1]) if raw.startswith('"') else raw
    meta = page.meta.setdefault(name, MetricMeta())
    text = (found["text"] or b"").decode(errors="replace")
    if found["kind"] == b"TYPE":
        meta.type = text.strip()
    elif found["kind"] == b"HELP":
        meta.help = _unescape(text)
    else:
        meta.unit = text.strip()


def _sample(page: Page, line: bytes, number: int, *, openmetrics: bool) -> None:
    found = _LINE.fullmatch(line.rstrip(b"\r"))
    if found is None or not found["series"]:
        raise ExpositionError(number, f"not a sample: {_shown(line)}")
    rest = found["rest"]
    if rest is not None and not (openmetrics and _EXEMPLAR.fullmatch(rest)):
        raise ExpositionError(number, f"text after the value: {_shown(rest)}")
    page.series.append(found["series"])
    page.values.append(_number(found["value"], number))
    page.times.append(_time(found["time"], number, openmetrics=openmetrics))
    page.key_lengths.append(found.start("value"))
    if found.end("value") != len(line):
        page.plain = False


def _number(text: bytes, line: int) -> float:
    # Python's float() takes digits grouped by underscores; the format does not.
    if b"_" not in text:
        try:
            return float(text)
        except ValueError:
            pass
    raise ExpositionError(line, f"{_shown(text)} is not a number")


def _time(text: bytes | None, line: int, *, openmetrics: bool) -> int | None:
    if text is None:
        return None
    try:
        return round(float(text) * 1000) if openmetrics else int(text)
    except (ValueError, OverflowError):
        raise ExpositionError(line, f"{_shown(text)} is not a timestamp") from None


def _shown(text: bytes) -> str:
    shown = text.decode(errors="replace")
    return repr(shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + "…")


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[0]), text)


def parse_series(raw: bytes) -> dict[str, str]:
    """Return the labels with `__name__` of a series' raw bytes; raises ValueError that says what is wrong."""
    name, brace, inside = raw.partition(b"{")
    labels: dict[str, str] = {}
    if name.strip():
        labels["__name__"] = name.strip().decode()
    if brace:
        _labels(inside.rstrip(b" \t").removesuffix(b"}"), labels)
    if "__name__" not in labels:
        raise ValueError(f"{_shown(raw)} has no metric name")
    return labels


def _labels(inside: bytes, labels: dict[str, str]) -> None:
    place = 0
    while place < len(inside.rstrip(b" \t")):
        found = _PAIR.match(inside, place)
        if found is None:
            raise ValueError(f"labels can't be read at {_shown(inside[place:])}")
        try:
            name = found["plain"].decode() if found["plain"] is not None else _unescape(found["quoted"].decode())
            value = _unescape(found["value"].decode()) if found["eq"] else name
        except UnicodeDecodeError:
            raise ValueError(f"label text is not UTF-8: {_shown(inside[place:])}") from None
        if not found["eq"]:
            if found["plain"] is not None:
                raise ValueError(f"label {name!r} has no value")
            name = "__name__"
        if name in labels:
            raise ValueError(f"label {name!r} stands twice")
        labels[name] = value
        place = found.end()


def base_metric(name: str, meta: Mapping[str, MetricMeta]) -> str:
    """Return the metric family's name for a sample's name, such as `x` for `x_bucket`, where the page names it so."""
    if name in meta:
        return name
    for suffix in ("_bucket", "_count", "_sum", "_total", "_info", "_created"):
        if name.endswith(suffix) and name.removesuffix(suffix) in meta:
            return name.removesuffix(suffix)
    return name
