"""Sheets as Prometheus text 0.0.4 or OpenMetrics 1.0.0."""

from collections.abc import Container, Iterable, Sequence
from functools import lru_cache

from services.collector.sheet import Family, MetricType, Sheet, escape

TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def wants_openmetrics(accept: str) -> bool:
    """Tell whether the Accept header prefers OpenMetrics: its quality is above 0 and not below plain text's."""
    quality = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for part in accept.split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if kind in quality:
            weights = [piece[2:] for piece in parameters if piece.startswith("q=")]
            try:
                weight = float(weights[0]) if weights else 1.0
            except ValueError:
                weight = 0.0
            quality[kind] = max(quality[kind], weight)
    openmetrics = quality["application/openmetrics-text"]
    return openmetrics > 0 and openmetrics >= quality["text/plain"]


def render(sheets: Iterable[Sheet], *, openmetrics: bool = False) -> bytes:
    """Return the sheets as one document: each family once, its samples from all sheets together."""
    merged: dict[str, list[tuple[str, Family]]] = {}
    for sheet in sheets:
        extra = f'target="{escape(sheet.target)}"' if sheet.target else ""
        for family in sheet.families.values():
            if family.rows:
                merged.setdefault(family.name, []).append((extra, family))
    lines: list[str] = []
    for name, parts in merged.items():
        kind = parts[0][1].type if len(parts) == 1 else _type_of(parts)
        shown, word = _openmetrics_name(name, kind, merged) if openmetrics else (name, kind)
        lines.append(_head(shown, word, parts[0][1].help, openmetrics=openmetrics))
        lines.extend(_rows(word, extra, family, openmetrics=openmetrics) for extra, family in parts)
    if openmetrics:
        lines.append("# EOF")
    lines.append("")
    return "\n".join(lines).encode()


def _type_of(parts: Sequence[tuple[str, Family]]) -> MetricType:
    first = parts[0][1].type
    return first if all(family.type == first for _, family in parts) else "untyped"


@lru_cache(maxsize=8192)
def _head(name: str, word: str, text: str, *, openmetrics: bool) -> str:
    # The same families come at each scrape.
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    if openmetrics:
        text = text.replace('"', r"\"")
    return f"# HELP {name} {text}\n# TYPE {name} {word}"


def _rows(word: str, extra: str, family: Family, *, openmetrics: bool) -> str:
    # Settings, sizes and the like are kept for a minute and more: a third of a page is as it was.
    key = (extra, openmetrics, len(family.rows))
    if family.written is not None and family.written[0] == key:
        return family.written[1]
    if extra:
        lines = [
            f"{sample}{{{extra},{labels}}} {value}" if labels else f"{sample}{{{extra}}} {value}"
            for sample, labels, value in family.rows
        ]
    else:
        lines = [
            f"{sample}{{{labels}}} {value}" if labels else f"{sample} {value}" for sample, labels, value in family.rows
        ]
    if openmetrics and family.exemplars and word in {"counter", "histogram"}:
        for row, exemplar in family.exemplars.items():
            if family.rows[row][0].endswith(("_bucket", "_total")):
                lines[row] += f" # {exemplar}"
    text = "\n".join(lines)
    family.written = (key, text)
    return text


def _openmetrics_name(name: str, kind: MetricType, others: Container[str]) -> tuple[str, str]:
    # OpenMetrics wants `_total` on a counter's sample and not on its family. A counter that the ecosystem knows without
    # it, or whose family would then clash with such a one, keeps its name and is of unknown type: a rule must find the
    # same series in both formats.
    bare = name.removesuffix("_total")
    if kind == "counter" and bare != name and bare not in others:
        return bare, "counter"
    return name, "unknown" if kind in {"counter", "untyped"} else kind
