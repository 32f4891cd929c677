"""Another program's Prometheus page onto a sheet, with its types and help texts."""

import re
from collections.abc import Callable
from typing import TypeAlias

from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Family, MetricType, Sheet, as_type

_Named: TypeAlias = Callable[[str, str], tuple[str, MetricType]]
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*\s*=\s*"(?:[^"\\\n]|\\.)*"'
_SAMPLE = re.compile(
    rf"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{{\s*((?:{_LABEL}\s*,\s*)*(?:{_LABEL})?)\s*\}})?\s*(\S+)(?:\s+-?\d+)?\s*"
)
_EXEMPLAR = rf"#\s+(\{{\s*(?:{_LABEL}\s*,\s*)*(?:{_LABEL})?\s*\}}\s+\S+(?:\s+\S+)?)"
_OPENMETRICS = re.compile(
    rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{((?:{_LABEL},)*(?:{_LABEL})?)\}})? (\S+)(?: -?[0-9.eE+]+)?(?: {_EXEMPLAR})?"
)
_COMMENT = re.compile(r"#\s*(HELP|TYPE)\s+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\s+(.*))?")
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


def pass_through(sheet: Sheet, body: bytes, *, openmetrics: bool = False) -> None:
    """Add every sample of a page in the text format 0.0.4 or in OpenMetrics 1.0, whose exemplars are kept.

    Time stamps are dropped, as ours is the time of the scrape.

    A label `target` of the page's own becomes `exported_target`. Raises ScrapeError that names the line; what stands
    before it has been added.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise ScrapeError(Reason.BODY, f"the metrics page is not UTF-8 (byte {error.start})") from error
    helps: dict[str, str] = {}
    family: Family | None = None
    form, known = (_OPENMETRICS, _openmetrics_family) if openmetrics else (_SAMPLE, _text_family)
    for number, line in enumerate(text.split("\n"), start=1):
        if not line or line.isspace():
            continue
        if line.startswith("#"):
            family = _comment(sheet, line, helps, known) or family
            continue
        match = form.fullmatch(line)
        if match is None or not _is_number(match[3]):
            raise ScrapeError(Reason.BODY, f"line {number} of the metrics page is no sample: {line[:80]!r}")
        name, labels, value = match[1], match[2] or "", match[3]
        if name.endswith("_created") and _is_birthday(sheet, name.removesuffix("_created")):
            continue
        if family is None or not _belongs(name, family):
            family = sheet.families.get(name) or sheet.family(name, "untyped", helps.get(name, ""))
        if openmetrics and match[4]:
            family.exemplars[len(family.rows)] = match[4]
        family.rows.append((name, _rename(labels.rstrip(", ")), value))


def _comment(sheet: Sheet, line: str, helps: dict[str, str], known: _Named) -> Family | None:
    match = _COMMENT.fullmatch(line)
    if match is None:
        return None
    name, rest = match[2], match[3] or ""
    if match[1] == "TYPE":
        own, kind = known(name, rest.strip())
        return sheet.family(own, kind, helps.get(name, ""))
    helps[name] = re.sub(r"\\(.)", lambda pair: "\n" if pair[1] == "n" else pair[1], rest)
    for family in (sheet.families.get(name), sheet.families.get(f"{name}_total")):
        if family is not None and not family.help:
            family.help = helps[name]
    return None


def _text_family(name: str, kind: str) -> tuple[str, MetricType]:
    return name, as_type(kind)


def _openmetrics_family(name: str, kind: str) -> tuple[str, MetricType]:
    # OpenMetrics names a family without the suffix that its samples bear; ours bear the sample's name.
    if kind == "counter":
        return f"{name}_total", "counter"
    if kind == "info":
        return f"{name}_info", "gauge"
    return name, "gauge" if kind == "stateset" else as_type(kind)


def _is_birthday(sheet: Sheet, base: str) -> bool:
    # Client libraries add when each child was made: half as many samples again, which no rule reads.
    family = sheet.families.get(base) or sheet.families.get(f"{base}_total")
    return family is not None and family.type in {"counter", "histogram", "summary"}


def _belongs(name: str, family: Family) -> bool:
    if name == family.name:
        return True
    return name.startswith(family.name) and name[len(family.name) :] in _SUFFIXES.get(family.type, ())


def _rename(labels: str) -> str:
    if "target" not in labels:
        return labels
    # A quoted value may hold anything; only what stands outside quotes is a label's name.
    pieces = re.split(r'("(?:[^"\\]|\\.)*")', labels)
    return "".join(
        piece if piece.startswith('"') else re.sub(r"(?<![a-zA-Z0-9_])target(?=\s*=)", "exported_target", piece)
        for piece in pieces
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
