"""What one scrape of one target found: metric families with samples, label text ready to be written out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias, cast

MetricType: TypeAlias = Literal["gauge", "counter", "histogram", "summary", "untyped"]
Value: TypeAlias = float | int | bool | Decimal | None

_INFINITY = float("inf")
_EXACT = 2**53


def format_value(value: float | Decimal) -> str:
    """Return a number as the exposition formats write it; whole numbers without a point."""
    number = float(value)
    # What is most frequent comes first: a scrape has a thousand of them.
    if number.is_integer() and -_EXACT < number < _EXACT:
        return str(int(number))
    if number != number:  # noqa: PLR0124 - the one number that differs from itself is NaN
        return "NaN"
    if number in (_INFINITY, -_INFINITY):
        return "+Inf" if number > 0 else "-Inf"
    return repr(number)


def label_text(labels: Mapping[str, object]) -> str:
    """Return `a="b",c="d"` with quotes, backslashes and newlines escaped; None becomes an empty value."""
    return ",".join(
        f'{name}="{escape("" if value is None else str(value))}"' for name, value in labels.items()
    )  # fmt: skip


def escape(value: str) -> str:
    """Return a label value escaped for both exposition formats."""
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value


@dataclass
class Family:
    """One metric: rows are (sample name, label text, value text)."""

    name: str
    type: MetricType
    help: str
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    exemplars: dict[int, str] = field(default_factory=dict)
    """By a row's number, `{labels} value [time]` as OpenMetrics writes it."""
    written: tuple[tuple[str, bool, int], str] | None = field(default=None, compare=False, repr=False)
    """The rows as they were last written out, and what for: some families are kept for many scrapes."""


class Sheet:
    """The families of one target, in the order in which they came; `target` goes on every sample as a label."""

    def __init__(self, target: str = "") -> None:
        self.target = target
        self.families: dict[str, Family] = {}

    def family(self, name: str, kind: MetricType, text: str) -> Family:
        """Return the family of that name, made at first use."""
        family = self.families.get(name)
        if family is None:
            family = self.families[name] = Family(name, kind, text)
        return family

    def add(self, name: str, kind: MetricType, text: str, value: Value, labels: Mapping[str, object]) -> None:
        """Add one sample; a value of None (SQL's NULL, a missing field) adds none."""
        if value is None:
            return
        self.family(name, kind, text).rows.append((name, label_text(labels), format_value(value)))

    def gauge(self, name: str, text: str, value: Value, /, **labels: object) -> None:
        """Add a gauge's sample."""
        self.add(name, "gauge", text, value, labels)

    def counter(self, name: str, text: str, value: Value, /, **labels: object) -> None:
        """Add a counter's sample under exactly this name: some of the ecosystem's counters lack `_total`."""
        self.add(name, "counter", text, value, labels)

    def histogram(
        self,
        name: str,
        text: str,
        bounds: Sequence[float],
        counts: Sequence[int],
        total: float,
        labels: Mapping[str, object],
    ) -> None:
        """Add a histogram: `counts` holds one count per bound and one above the last, not cumulated."""
        rows = self.family(name, "histogram", text).rows
        base = label_text(labels)
        comma = "," if base else ""
        running = 0
        for bound, count in zip((*bounds, _INFINITY), counts, strict=True):
            running += count
            # Bounds carry a point ("1.0"), as every client library but Go's writes them.
            edge = "+Inf" if bound == _INFINITY else repr(float(bound))
            rows.append((f"{name}_bucket", f'{base}{comma}le="{edge}"', str(running)))
        rows.append((f"{name}_sum", base, format_value(total)))
        rows.append((f"{name}_count", base, str(running)))

    def names(self) -> set[str]:
        """Return the sample names on the sheet."""
        return {row[0] for family in self.families.values() for row in family.rows}

    def value(self, name: str, /, **labels: object) -> float | None:
        """Return one sample's value, None where the sheet has none; labels must be all of the sample's."""
        wanted = label_text(labels)
        for family in self.families.values():
            for sample, text, value in family.rows:
                if sample == name and _same(text, wanted):
                    return float(value)
        return None


def _same(one: str, other: str) -> bool:
    return one == other or sorted(one.removesuffix('"').split('",')) == sorted(other.removesuffix('"').split('",'))


def as_type(text: str) -> MetricType:
    """Return a TYPE line's word as one of ours; words that the text format does not know are untyped."""
    return cast("MetricType", text) if text in {"gauge", "counter", "histogram", "summary"} else "untyped"
