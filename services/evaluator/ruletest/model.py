"""Unit-test files of rules, as `promtool test rules` reads them."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from services.common.durations import Duration
from services.common.events import Muted
from services.evaluator.go_form import GoForm, as_text

_DEFAULT_INTERVAL = 60.0
_YAML_NUMBERS = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}


def _number(value: Any) -> Any:
    return float(_YAML_NUMBERS.get(value.lower(), value)) if isinstance(value, str) else value


def _time(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


Text = Annotated[str, BeforeValidator(as_text)]
Number = Annotated[float, BeforeValidator(_number)]
Time = Annotated[float, BeforeValidator(_time)]


class InputSeries(GoForm):
    """A series and its values, one per interval from the start."""

    series: str
    values: Text


class ExpectedAlert(GoForm):
    """An alert that must fire, with exactly these labels (`alertname` is added) and annotations."""

    exp_labels: dict[str, Text] | None = None
    exp_annotations: dict[str, Text] | None = None
    muted: Muted | None = None
    """Tocsin's own: `cooldown` or `rate_cap` when nobody may be told of it now, empty when they are; not given: any."""


class AlertTest(GoForm):
    """Which alerts of a name fire at a time."""

    eval_time: Duration
    alertname: str = ""
    exp_alerts: list[ExpectedAlert] | None = None

    @model_validator(mode="after")
    def _named(self) -> "AlertTest":
        if not self.alertname:
            raise ValueError("alertname is missing")
        return self


class ExpectedSample(GoForm):
    """A sample that a query must give."""

    labels: str = ""
    value: Number = 0.0
    histogram: str = ""


class ExprTest(GoForm):
    """What an expression gives at a time."""

    expr: Text
    eval_time: Duration
    exp_samples: list[ExpectedSample] | None = None


class TestCase(GoForm):
    """One story: input, and what must come of it."""

    __test__ = False  # pytest must not take it for one of its own.

    name: str = ""
    interval: Duration | None = None
    input_series: list[InputSeries] = Field(default_factory=list)
    alert_rule_test: list[AlertTest] = Field(default_factory=list)
    promql_expr_test: list[ExprTest] = Field(default_factory=list)
    external_labels: dict[str, Text] = Field(default_factory=dict)
    external_url: str = ""
    start_timestamp: Time = 0.0


class TestFile(GoForm):
    """A unit-test file."""

    __test__ = False

    rule_files: list[str] = Field(default_factory=list)
    evaluation_interval: Duration = _DEFAULT_INTERVAL
    group_eval_order: list[str] = Field(default_factory=list)
    fuzzy_compare: bool = False
    tests: list[TestCase] = Field(default_factory=list)
