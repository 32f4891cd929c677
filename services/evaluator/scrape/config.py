"""Models of prometheus.yml's `scrape_configs` (Prometheus 3.x), strict: an unknown key is an error at its line."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from services.common.durations import Duration
from services.evaluator.go_form import GoForm, as_text
from services.evaluator.scrape.http_settings import HttpSettings
from services.evaluator.scrape.not_yet import NativeHistogramKeys, OtherDiscovery, OtherKeys
from services.evaluator.scrape.protocols import DEFAULT as DEFAULT_PROTOCOLS
from services.evaluator.scrape.protocols import Escaping, Protocol, accept_header
from services.evaluator.scrape.relabel import RelabelConfig
from services.evaluator.scrape.sizes import parse_size

ByteSize = Annotated[int, BeforeValidator(parse_size)]
PositiveDuration = Annotated[Duration, Field(gt=0)]


Validation = Literal["utf8", "legacy"]
LabelText = Annotated[str, BeforeValidator(as_text)]
"""A label value; YAML numbers are taken as their text, as Prometheus does."""
DEFAULT_TIMEOUT = 10.0


class StaticConfig(GoForm):
    """Targets written in the file, with labels of their own."""

    targets: list[str] = Field(default_factory=list)
    labels: dict[str, LabelText] = Field(default_factory=dict)

    @field_validator("targets")
    @classmethod
    def _addresses(cls, targets: list[str]) -> list[str]:
        for target in targets:
            if "/" in target:
                raise ValueError(f"{target!r} is not host:port; put the path in metrics_path and http/https in scheme")
        return targets


class FileSdConfig(GoForm):
    """Targets in YAML or JSON files that are watched; the last part of a path may hold `*`."""

    files: list[str] = Field(min_length=1)
    refresh_interval: PositiveDuration = 300.0

    @field_validator("files")
    @classmethod
    def _known_kind(cls, files: list[str]) -> list[str]:
        for file in files:
            if Path(file).suffix not in {".yml", ".yaml", ".json"}:
                raise ValueError(f"{file!r} must end in .yml, .yaml or .json")
        return files


class HttpSdConfig(HttpSettings):
    """Targets that an HTTP server names as JSON, in the form of a file of `file_sd_configs`."""

    url: str
    refresh_interval: PositiveDuration = 60.0

    @field_validator("url")
    @classmethod
    def _absolute(cls, url: str) -> str:
        split = urlsplit(url)
        if split.scheme not in {"http", "https"} or not split.hostname:
            raise ValueError(f"{url!r} is not a URL; write it like http://127.0.0.1:8000/targets")
        return url


class GlobalConfig(GoForm):
    """Defaults of all scrapes and groups, as `global` in prometheus.yml."""

    scrape_interval: PositiveDuration = 5.0
    scrape_timeout: PositiveDuration | None = None
    """Default: 10 s, or the interval where that is shorter."""
    scrape_protocols: list[Protocol] = Field(default_factory=lambda: list(DEFAULT_PROTOCOLS), min_length=1)
    evaluation_interval: PositiveDuration = 5.0
    external_labels: dict[str, LabelText] = Field(default_factory=dict)
    rule_query_offset: Duration = 0.0
    sample_limit: int = Field(default=0, ge=0)
    body_size_limit: ByteSize = 0
    label_limit: int = Field(default=0, ge=0)
    label_name_length_limit: int = Field(default=0, ge=0)
    label_value_length_limit: int = Field(default=0, ge=0)
    target_limit: int = Field(default=0, ge=0)
    keep_dropped_targets: int = Field(default=0, ge=0)
    metric_name_validation_scheme: Validation = "utf8"
    metric_name_escaping_scheme: Escaping | None = None


class ScrapeConfig(HttpSettings, OtherDiscovery, NativeHistogramKeys, OtherKeys):
    """One job: whom to scrape, how, and what becomes of the labels."""

    job_name: str = Field(min_length=1)
    scrape_interval: PositiveDuration | None = None
    scrape_timeout: PositiveDuration | None = None
    scrape_protocols: list[Protocol] | None = Field(default=None, min_length=1)
    fallback_scrape_protocol: Protocol = "PrometheusText0.0.4"
    metrics_path: str = "/metrics"
    scheme: Literal["http", "https"] = "http"
    params: dict[str, list[str]] = Field(default_factory=dict)
    honor_labels: bool = False
    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False
    """Whether series that bring their own timestamps get a marker of staleness, too, when they go."""
    enable_compression: bool = True
    static_configs: list[StaticConfig] = Field(default_factory=list)
    file_sd_configs: list[FileSdConfig] = Field(default_factory=list)
    http_sd_configs: list[HttpSdConfig] = Field(default_factory=list)
    relabel_configs: list[RelabelConfig] = Field(default_factory=list)
    metric_relabel_configs: list[RelabelConfig] = Field(default_factory=list)
    sample_limit: int | None = Field(default=None, ge=0)
    body_size_limit: ByteSize | None = None
    label_limit: int | None = Field(default=None, ge=0)
    label_name_length_limit: int | None = Field(default=None, ge=0)
    label_value_length_limit: int | None = Field(default=None, ge=0)
    target_limit: int | None = Field(default=None, ge=0)
    keep_dropped_targets: int | None = Field(default=None, ge=0)
    """So many dropped addresses are listed by the API; 0: all."""
    metric_name_validation_scheme: Validation | None = None
    """`legacy`: names of other letters than [a-zA-Z0-9_:] fail the scrape."""
    metric_name_escaping_scheme: Escaping | None = None
    """How the target is asked to write other names; default: as they are, `underscores` with `legacy`."""

    @model_validator(mode="after")
    def _timeout_fits(self) -> "ScrapeConfig":
        if self.scrape_interval and self.scrape_timeout and self.scrape_timeout > self.scrape_interval:
            raise ValueError("scrape_timeout is longer than scrape_interval; make it shorter")
        return self

    @model_validator(mode="after")
    def _escaping_fits(self) -> "ScrapeConfig":
        if self.metric_name_validation_scheme == "legacy" and self.metric_name_escaping_scheme == "allow-utf-8":
            raise ValueError("allow-utf-8 asks for names that the legacy scheme refuses; change one of the two")
        return self

    @property
    def legacy_names(self) -> bool:
        """Whether only names of [a-zA-Z0-9_:] are taken."""
        return self.metric_name_validation_scheme == "legacy"

    @property
    def accept(self) -> str:
        """The header that asks for the formats."""
        escaping = self.metric_name_escaping_scheme or ("underscores" if self.legacy_names else "allow-utf-8")
        return accept_header(self.scrape_protocols or DEFAULT_PROTOCOLS, escaping)

    def timing(self) -> tuple[float, float]:
        """Return interval and time-out in seconds; `global`'s own defaults where neither was filled in."""
        interval = self.scrape_interval or GlobalConfig().scrape_interval
        return interval, self.scrape_timeout or min(interval, DEFAULT_TIMEOUT)

    def with_defaults(self, defaults: GlobalConfig) -> "ScrapeConfig":
        """Return the job with `global`'s values where it gives none; the time-out never exceeds the interval."""
        interval = self.scrape_interval or defaults.scrape_interval
        update: dict[str, object] = {
            "scrape_interval": interval,
            "scrape_timeout": self.scrape_timeout or min(interval, defaults.scrape_timeout or DEFAULT_TIMEOUT),
        }
        for name in ("sample_limit", "body_size_limit", "label_limit", "label_name_length_limit",
                     "label_value_length_limit", "target_limit", "keep_dropped_targets", "scrape_protocols",
                     "metric_name_validation_scheme"):  # fmt: skip
            if getattr(self, name) is None:
                update[name] = getattr(defaults, name)
        # The job's own choice of letters is not to be undone by an escaping that is meant for another.
        if self.metric_name_escaping_scheme is None and self.metric_name_validation_scheme is None:
            update["metric_name_escaping_scheme"] = defaults.metric_name_escaping_scheme
        return self.model_copy(update=update)
