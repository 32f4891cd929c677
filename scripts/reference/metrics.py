"""The page of all metrics of the collector, from what its pages really say: HELP, TYPE and labels of each name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.reference.table import table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
COMMAND = "UPDATE_METRICS_PAGE=1 python -m pytest tests/integration/collector/test_metrics_page.py"
_ABOUT = f"""<!-- Made from live pages by `{COMMAND}`; change the sources, not this page. -->

# Metrics of the collector

Each sample of a configured target bears the label `target` beside the labels below. A page `/metrics/<kind>` has one
kind's metrics, `/metrics` all of them and the collector's own. What a server does not offer (an extension, a replica, a
newer version's view) is left out, never shown as zero. Names are those of the usual exporters where they have one.
"""
_FAMILY = re.compile(r"# (HELP|TYPE) (\S+) (.*)")
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? \S+")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"')
_SUFFIX = re.compile(r"_(bucket|sum|count)$")
# One line for a family of names that follow the server's own settings.
_PATTERNS = (
    (re.compile(r"pg_settings_.*"), "pg_settings_<name>", "A server setting, in base units (bytes, seconds)."),
    (re.compile(r"redis_config_.*"), "redis_config_<name>", "A server setting with a number as its value."),
)
_HIDDEN = frozenset({"target", "le", "quantile"})


@dataclass
class Family:
    """One line of the page."""

    name: str
    type: str = "untyped"
    help: str = ""
    labels: set[str] = field(default_factory=set)


def families(page: str) -> dict[str, Family]:
    """Return the families of a page in the text format, by the name under which they are shown."""
    found: dict[str, Family] = {}
    for line in page.splitlines():
        if match := _FAMILY.fullmatch(line):
            word, name, rest = match.groups()
            family = found.setdefault(name, Family(name))
            if word == "HELP":
                family.help = rest.replace("\\n", " ").replace("\\\\", "\\")
            else:
                family.type = rest
        elif match := _SAMPLE.fullmatch(line):
            name = match[1] if match[1] in found else _SUFFIX.sub("", match[1])
            found[name].labels |= set(_LABEL.findall(match[2] or "")) - _HIDDEN
    return _grouped(found)


def _grouped(found: Mapping[str, Family]) -> dict[str, Family]:
    shown: dict[str, Family] = {}
    for name, family in sorted(found.items()):
        for pattern, group, text in _PATTERNS:
            if pattern.fullmatch(name):
                shown[group] = Family(group, family.type, text, family.labels)
                break
        else:
            shown[name] = family
    return shown


def make_page(pages: Mapping[str, str]) -> str:
    """Return the page; `pages` are the collector's pages by their kind, in the order in which they are shown."""
    parts = [_ABOUT]
    for kind, page in pages.items():
        rows = [
            (f"`{family.name}`", family.type, ", ".join(sorted(family.labels)), family.help)
            for family in families(page).values()
        ]
        parts.append(f"## {kind}\n\n{table(('name', 'type', 'labels', 'meaning'), rows)}")
    return "\n".join(parts)


def documented(text: str) -> dict[str, tuple[str, str]]:
    """Return type and meaning by name, as a page says."""
    rows = re.findall(r"^\| `(\S+)` \| (\S+) \| [^|]*\| (.*) \|$", text, re.MULTILINE)
    return {name: (kind, meaning.replace("\\|", "|")) for name, kind, meaning in rows}
