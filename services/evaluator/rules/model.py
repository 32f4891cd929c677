"""Rule files as pydantic models: every field of Prometheus' form, and Tocsin's own."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from services.common.config import StrictModel
from services.common.durations import Duration
from services.evaluator.rules.state import NoData


def _as_text(value: object) -> object:
    # Prometheus reads any scalar as text here, so `severity: 1` and `expr: 1` are good.
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value}" if isinstance(value, int | float) else value


def _label_name(name: str) -> str:
    if not name or name == "__name__":
        raise ValueError(f"{name!r} can't be a label of a rule; give it another name")
    return name


Text = Annotated[str, BeforeValidator(_as_text)]
LabelName = Annotated[str, AfterValidator(_label_name)]
NotNegative = Annotated[Duration, Field(ge=0)]


class RuleModel(StrictModel):
    """One alerting or recording rule as written."""

    record: str | None = None
    alert: str | None = None
    expr: Text = Field(min_length=1)
    for_: NotNegative | None = Field(default=None, alias="for")
    keep_firing_for: NotNegative | None = None
    labels: dict[LabelName, Text] = Field(default_factory=dict)
    annotations: dict[str, Text] = Field(default_factory=dict)
    cooldown: NotNegative | None = None
    max_alerts_per_hour: int | None = Field(default=None, ge=0)
    clear: Text | None = None
    no_data: NoData | None = None
    depends_on: tuple[str, ...] = ()
    """Alerts, by name, that hide this one from people while they fire."""

    @model_validator(mode="after")
    def _one_kind(self) -> "RuleModel":
        if bool(self.record) == bool(self.alert):
            raise ValueError("give either alert or record")
        if self.record:
            alert_only = (
                "for_",
                "keep_firing_for",
                "annotations",
                "cooldown",
                "max_alerts_per_hour",
                "clear",
                "no_data",
                "depends_on",
            )
            wrong = [name.rstrip("_") for name in alert_only if name in self.model_fields_set]
            if wrong:
                raise ValueError(
                    f"{', '.join(wrong)} belongs to alerting rules; remove it or write alert: in place of record:"
                )
        return self

    @property
    def name(self) -> str:
        """The alert's or the recorded series' name."""
        return self.alert or self.record or ""


class GroupModel(StrictModel):
    """Rules that are evaluated together, one after the other."""

    name: str = Field(min_length=1)
    interval: Annotated[Duration, Field(gt=0)] | None = None
    query_offset: NotNegative | None = None
    limit: int = Field(default=0, ge=0)
    labels: dict[LabelName, Text] = Field(default_factory=dict)
    rules: list[RuleModel] = Field(default_factory=list)
    source: str = ""
    """Tocsin's own: the address of a Prometheus-compatible server that evaluates the group's expressions."""

    @field_validator("source")
    @classmethod
    def _url(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is not a URL; write it like http://prometheus:9090")
        return url


class RuleFileModel(StrictModel):
    """A rule file."""

    groups: list[GroupModel] = Field(default_factory=list)
