"""JUnit XML as pytest writes it: every test with its time and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.api.quality.report import Finding, Kind, Report, ReportError, line_text, make_report
from services.api.quality.xml import read_xml

KIND: Kind = "junit"
COMMAND = "pytest --junit-xml=junit.xml"
_MEND = f"Send the file of {COMMAND}."
SLOW_SECONDS = 1.0


@dataclass
class _Reader:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    slow: int = 0
    fast_passed: int = 0
    found: list[Finding] = field(default_factory=list)
    seen_suite: bool = False
    _case: Mapping[str, str] | None = None
    _end: str = ""
    _text: str = ""

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in {"testsuites", "testsuite"}:
            self.seen_suite = True
        elif not self.seen_suite:
            raise ReportError(f"this begins with <{line_text(tag, 40)}>, not with <testsuites>", _MEND)
        elif tag == "testcase":
            self._case, self._end, self._text = attributes, "passed", ""
        elif tag in {"failure", "error", "skipped"} and self._case is not None and self._end != "failed":
            # A test may fail and err in its tear-down: it is one test that failed.
            self._end = "skipped" if tag == "skipped" else "failed"
            self._text = attributes.get("message", "")

    def end(self, tag: str) -> None:
        if tag != "testcase" or self._case is None:
            return
        case, seconds = self._case, _seconds(self._case)
        name = line_text(f"{case.get('classname', '')}::{case.get('name', '')}", 200)
        slow = self._end != "skipped" and seconds > SLOW_SECONDS
        self.slow += slow
        self.fast_passed += self._end == "passed" and not slow
        if self._end == "passed":
            self.passed += 1
        elif self._end == "skipped":
            self.skipped += 1
        else:
            self.failed += 1
            text = f"{name} failed: {self._text}"
            self.found.append(Finding("results", "critical", "failed", line_text(text), *_place(case)))
        if slow:
            text = f"{name} took {seconds:.1f} s"
            self.found.append(Finding("slow_tests", "info", "slow", text, *_place(case)))
        self._case = None


def parse(raw: bytes) -> Report:
    """Return how the tests ended; raises ReportError."""
    reader = _Reader()
    read_xml(raw, reader, f"the file of {COMMAND}")
    if reader.passed + reader.failed == 0:
        raise ReportError("no test has run", "Look why the tests did not run, and send the report of a run with tests.")
    names = ("passed", "failed", "skipped", "slow", "fast_passed")
    return make_report(KIND, reader.found, measures={name: float(getattr(reader, name)) for name in names})


def _seconds(case: Mapping[str, str]) -> float:
    # Some writers group thousands.
    text = case.get("time", "0").replace(",", "")
    try:
        seconds = float(text)
    except ValueError as error:
        raise ReportError(f"time={line_text(text, 40)!r} is no number", _MEND) from error
    if not 0 <= seconds < float("inf"):
        raise ReportError(f"time={line_text(text, 40)!r} is no time", _MEND)
    return seconds


def _place(case: Mapping[str, str]) -> tuple[str, int]:
    line = case.get("line", "")
    return line_text(case.get("file", "")), int(line) if line.isascii() and line.isdigit() and len(line) < 9 else 0  # noqa: PLR2004 - nine digits fit an int
