"""Rule files as pydantic models: every field of Prometheus' form, and Tocsin's own."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from services.common.durations import Duration
from services.evaluator.go_form import GoForm, as_text
from services.evaluator.rules.state import NoData


def _label_name(name: str) -> str:
    if not name or name == "__name__":
        raise ValueError(f"{name!r} can't be a label of a rule; give it another name")
    return name


Text = Annotated[str, BeforeValidator(as_text)]
LabelName = Annotated[str, AfterValidator(_label_name)]
NotNegative = Annotated[Duration, Field(ge=0)]


class RuleModel(GoForm):
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
            # Prometheus takes `for: 0s` and empty annotations for nothing.
            theirs = [name for name in ("for_", "keep_firing_for", "annotations") if getattr(self, name)]
            ours = ("cooldown", "max_alerts_per_hour", "clear", "no_data", "depends_on")
            wrong = [name.rstrip("_") for name in (*theirs, *(name for name in ours if name in self.model_fields_set))]
            if wrong:
                raise ValueError(
                    f"{', '.join(wrong)} belongs to alerting rules; remove it or write alert: in place of record:"
                )
        return self

    @property
    def name(self) -> str:
        """The alert's or the recorded series' name."""
        return self.alert or self.record or ""


class GroupModel(GoForm):
    """Rules that are evaluated together, one after the other."""

    name: str = Field(min_length=1)
    interval: NotNegative | None = None
    """0 and nothing: the default."""
    query_offset: NotNegative | None = None
    limit: int = 0
    """None where it is not above 0."""
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


class RuleFileModel(GoForm):
    """A rule file."""

    groups: list[GroupModel] = Field(default_factory=list)
