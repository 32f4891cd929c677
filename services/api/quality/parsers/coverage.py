"""Coverage as Cobertura XML, as coverage.py writes it: lines and branches that tests ran."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.api.quality.report import Finding, Kind, Report, ReportError, Severity, line_text, make_report
from services.api.quality.xml import read_xml

KIND: Kind = "coverage"
COMMAND = "coverage xml"
_MEND = f"Send the file of {COMMAND}."
_POOR, _MIDDLING = 0.5, 0.8


@dataclass
class _Reader:
    totals: dict[str, int] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)
    _file: str = ""
    _lines: int = 0
    _hit: int = 0
    _methods: int = 0

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        if not self.totals:
            if tag != "coverage":
                raise ReportError(f"this begins with <{line_text(tag, 40)}>, not with <coverage>", _MEND)
            self.totals = {name: _count(attributes, name) for name in ("lines-valid", "lines-covered")}
            self.totals |= {name: _count(attributes, name, "0") for name in ("branches-valid", "branches-covered")}
        elif tag == "class":
            self._file, self._lines, self._hit = attributes.get("filename", ""), 0, 0
        elif tag == "methods":
            self._methods += 1
        elif tag == "line" and self._methods == 0:
            # Lines of methods stand below their class once more.
            self._lines += 1
            self._hit += _count(attributes, "hits") > 0

    def end(self, tag: str) -> None:
        if tag == "methods":
            self._methods -= 1
        if tag != "class" or self._lines == 0:
            return
        ratio = self._hit / self._lines
        if ratio < _MIDDLING:
            text = f"Tests ran {ratio:.0%} of {self._lines} lines"
            severity: Severity = "warning" if ratio < _POOR else "info"
            self.found.append(Finding("coverage", severity, "low", text, line_text(self._file)))


def parse(raw: bytes) -> Report:
    """Return the ratios, and the files that are covered least; raises ReportError."""
    reader = _Reader()
    read_xml(raw, reader, f"the file of {COMMAND}")
    totals = reader.totals
    if totals["lines-valid"] == 0:
        raise ReportError("nothing was measured: lines-valid is 0", "Look at coverage's source setting.")
    for kind in ("lines", "branches"):
        if totals[f"{kind}-covered"] > totals[f"{kind}-valid"]:
            raise ReportError(f"{kind}-covered is more than {kind}-valid", _MEND)
    measures = {"line_ratio": totals["lines-covered"] / totals["lines-valid"], "lines": float(totals["lines-valid"])}
    if totals["branches-valid"]:
        measures["branch_ratio"] = totals["branches-covered"] / totals["branches-valid"]
    return make_report(KIND, reader.found, measures=measures)


def _count(attributes: Mapping[str, str], name: str, default: str | None = None) -> int:
    text = attributes.get(name, default)
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 16):  # noqa: PLR2004 - exact in a float
        raise ReportError(f"{name}={text!r} is no count", _MEND)
    return int(text)
