"""Shapes of code quality in answers and requests; times are seconds since the epoch, scores run from 0 to 10."""

from typing import Literal, TypeAlias

from pydantic import Field

from services.api.checks.model import Line
from services.api.model import Answer, Body
from services.api.quality.report import ItemKey, Kind, Risk, Severity
from services.api.quality.score import Part

RunResult: TypeAlias = Literal["running", "done", "failed", "timed_out", "no_reports", "bad_report", "lost"]


class AuditBody(Body):
    """What was audited."""

    commit: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    branch: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    lines_of_code: int = Field(ge=1, le=1_000_000_000)
    """Findings are counted for 1,000 of them; see docs/code-quality.md."""
    at: float | None = Field(default=None, ge=0, le=2**40)
    """When; now where it is not given."""


class QualityQuery(Body):
    """Whose audits to show."""

    branch: Line = ""
    """The branch of `api.quality.branch` where it is not given."""


class Audit(Answer):
    """One audit with its scores: null where a report was missing, all while it is not finished."""

    id: int
    commit: str
    branch: str
    at: float
    lines: int
    created_by: str
    finished_at: float | None
    overall: float | None
    architecture: float | None
    security: float | None
    performance: float | None
    testing: float | None


class ReportTaken(Answer):
    """What was read from a report."""

    kind: Kind
    tool: str
    findings: dict[str, int]
    """By severity."""
    vulnerabilities: int


class PartScore(Answer):
    """One of the four parts."""

    key: Part
    score: float | None
    change: float | None
    """Against the branch's audit before."""
    missing: list[Kind]
    """Reports without which it has no score."""


class ItemScore(Answer):
    """What a part is made of."""

    key: ItemKey
    part: Part
    needs: Kind
    score: float | None
    measure: float | None
    """Weighted findings in 1,000 lines; vulnerabilities; the share of slow or failed tests, or of covered code."""
    lost: float
    """Points of the overall score that it costs."""


class FoundThing(Answer):
    """One finding."""

    kind: Kind
    tool: str
    severity: Severity
    rule: str
    message: str
    file: str
    line: int


class KnownVulnerability(Answer):
    """A known hole of an installed package and the version that mends it, if there is one."""

    package: str
    installed: str
    fixed_version: str
    id: str
    severity: Risk
    summary: str
    aliases: list[str]
    """Its names in other lists."""


class Quality(Answer):
    """The latest audit of a branch, and how it came to be."""

    at: float
    branch: str
    branches: list[str]
    audit: Audit | None
    """Null: none has been finished."""
    overall_change: float | None
    parts: list[PartScore]
    items: list[ItemScore]
    """What costs most first."""
    trend: list[Audit]
    """Oldest first, 50 at most."""
    findings: list[FoundThing]
    """Worst first, 100 at most."""
    found: dict[str, int]
    """All findings by severity."""
    vulnerabilities: list[KnownVulnerability]
    """Of the last report of pip-audit and of osv-scanner, each hole once."""
    vulnerabilities_at: float | None
    """When that was; null: never."""
    can_run: bool
    """Whether an audit command is configured."""


class AuditRun(Answer):
    """One run of the audit command."""

    id: int
    started_at: float
    started_by: str
    finished_at: float | None
    result: RunResult
    exit_code: int | None
    detail: str
    output: str
    """The end of what it printed, 64 KiB at most."""
    audit_id: int | None


class RunState(Answer):
    """The run that goes on, or the last one."""

    configured: bool
    run: AuditRun | None
