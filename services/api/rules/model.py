"""Shapes of rules in requests and answers; durations in seconds, times since the epoch."""

from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field, model_validator

from services.api.alerts.model import ChartSeries
from services.api.model import Answer, Body, Severity
from services.api.silences.matching import Operator

DAY = 86_400.0
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
Category: TypeAlias = Literal["performance", "security", "code_quality", "system"]
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=100)]
_OWN = frozenset({"severity", "category", "component", "channels", "alertname"})


class LabelCondition(Answer):
    """Which series of a metric are meant."""

    name: LabelName
    op: Operator
    value: Text


class ThresholdForm(Answer):
    """A metric compared with a number; compiled to PromQL."""

    metric: str = Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$", max_length=200)
    labels: tuple[LabelCondition, ...] = Field(max_length=16)
    op: Literal[">", ">=", "<", "<=", "==", "!="]
    threshold: float = Field(allow_inf_nan=False)


class RuleBody(Body):
    """An alert rule: either a threshold form or an expression."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)
    form: ThresholdForm | None = None
    expr: Annotated[str | None, Field(max_length=10_000, pattern=r"^[^\x00]*$")] = None
    for_seconds: float = Field(default=0.0, ge=0, le=30 * DAY)
    keep_firing_seconds: float = Field(default=0.0, ge=0, le=DAY)
    interval_seconds: float | None = Field(default=None, ge=1, le=DAY)
    """How often it is evaluated; null: as other rules."""
    severity: Severity = "warning"
    category: Category = "performance"
    component: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")] = ""
    channels: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")], ...] = Field(default=(), max_length=16)
    """The label `channels`, which routes can match on: joined by commas, in order."""
    cooldown_seconds: float | None = Field(default=None, ge=0, le=7 * DAY)
    max_alerts_per_hour: int | None = Field(default=None, ge=0, le=3600)
    labels: dict[LabelName, Text] = Field(default_factory=dict, max_length=32)
    summary: Text = ""
    description: Text = ""
    action: Text = ""
    action_link: Text = ""
    enabled: bool = True

    @model_validator(mode="after")
    def _one_condition(self) -> "RuleBody":
        if (self.form is None) == (not self.expr or not self.expr.strip()):
            raise ValueError("give either form or expr")
        if taken := sorted(_OWN & self.labels.keys()):
            raise ValueError(f"labels: {', '.join(taken)} has a field of its own")
        return self


class ChangeBody(RuleBody):
    """The rule as it is to be from now on."""

    version: int = Field(ge=1)
    """The version that was read: a change that somebody else made meanwhile is not overwritten."""


class ApiRule(Answer):
    """One rule made here."""

    id: str
    version: int
    rule: RuleBody
    expr: str
    """The PromQL that is evaluated."""
    created_at: float
    created_by: str
    updated_at: float
    updated_by: str


class RuleVersion(Answer):
    """The rule as somebody left it."""

    version: int
    at: float
    by: str
    action: Literal["created", "changed", "deleted"]
    rule: RuleBody


class ApiRuleDetail(ApiRule):
    """One rule with its versions, newest first (at most 50)."""

    versions: list[RuleVersion]


class ApiRules(Answer):
    """All rules made here."""

    rules: list[ApiRule]


class RuleProblem(Answer):
    """One complaint of the evaluator."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    problem: str
    mend: str
    severity: Literal["error", "warning"]


class TestBody(Body):
    """How far back a dry run looks."""

    hours: float = Field(default=24.0, gt=0, le=168)


class PreviewBody(TestBody):
    """A rule that is not kept yet."""

    rule: RuleBody


class Firing(Answer):
    """One time that the rule would have fired."""

    labels: dict[str, str]
    starts_at: float
    ends_at: float | None
    """Null: it would fire now."""


class DryRun(Answer):
    """When a rule would have fired, by the samples that are kept."""

    expr: str
    start: float
    end: float
    step: int
    count: int
    firings: list[Firing]
    """The latest 100."""
    series: list[ChartSeries]
    """What the expression gave, at most 8 series of at most 1,000 points."""
    recorded: bool
    """By the recorded history, all of the time; false: by what the evaluator still holds, half an hour by default."""


class RulePreview(Answer):
    """What the evaluator says of a rule, and its dry run where it can run."""

    expr: str
    yaml: str
    problems: list[RuleProblem]
    dry_run: DryRun | None


class PromqlFunction(Answer):
    """One function of PromQL."""

    name: str
    signature: str
    doc: str


class Vocabulary(Answer):
    """What an expression can be made of."""

    metrics: list[str]
    functions: list[PromqlFunction]
    aggregations: list[str]


class LabelsOf(Body):
    """Of which metric."""

    metric: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")


class MetricLabels(Answer):
    """The labels of a metric's series with their values, at most 100 of each."""

    labels: dict[str, list[str]]
