"""Sheets as Prometheus text 0.0.4 or OpenMetrics 1.0.0."""

from collections.abc import Container, Iterable, Sequence

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
        shown = _openmetrics_name(name, _type_of(parts), merged) if openmetrics else (name, _type_of(parts))
        _write(lines, shown, parts, openmetrics=openmetrics)
    if openmetrics:
        lines.append("# EOF")
    lines.append("")
    return "\n".join(lines).encode()


def _type_of(parts: Sequence[tuple[str, Family]]) -> MetricType:
    first = parts[0][1].type
    return first if all(family.type == first for _, family in parts) else "untyped"


def _write(lines: list[str], shown: tuple[str, str], parts: Sequence[tuple[str, Family]], *, openmetrics: bool) -> None:
    name, word = shown
    text = parts[0][1].help.replace("\\", r"\\").replace("\n", r"\n")
    if openmetrics:
        text = text.replace('"', r"\"")
    lines.append(f"# HELP {name} {text}")
    lines.append(f"# TYPE {name} {word}")
    for extra, family in parts:
        begin = len(lines)
        for sample, labels, value in family.rows:
            inside = f"{extra},{labels}" if extra and labels else extra or labels
            lines.append(f"{sample}{{{inside}}} {value}" if inside else f"{sample} {value}")
        if openmetrics and family.exemplars and word in {"counter", "histogram"}:
            for row, exemplar in family.exemplars.items():
                if family.rows[row][0].endswith(("_bucket", "_total")):
                    lines[begin + row] += f" # {exemplar}"


def _openmetrics_name(name: str, kind: MetricType, others: Container[str]) -> tuple[str, str]:
    # OpenMetrics wants `_total` on a counter's sample and not on its family. A counter that the ecosystem knows without
    # it, or whose family would then clash with such a one, keeps its name and is of unknown type: a rule must find the
    # same series in both formats.
    bare = name.removesuffix("_total")
    if kind == "counter" and bare != name and bare not in others:
        return bare, "counter"
    return name, "unknown" if kind in {"counter", "untyped"} else kind
