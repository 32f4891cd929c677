"""The evaluator's section of tocsin.yml."""

from pydantic import Field, field_validator, model_validator

from services.common.config import Listen, StrictModel
from services.common.durations import Duration
from services.evaluator.history.config import HistoryConfig
from services.evaluator.remote.config import RemoteWriteConfig, SourceConfig
from services.evaluator.scrape.config import GlobalConfig, ScrapeConfig


class QueryLimits(StrictModel):
    """What one query of the HTTP API may use."""

    timeout: Duration = Field(default=30.0, gt=0)
    max_samples: int = Field(default=50_000_000, gt=0)
    max_concurrency: int = Field(default=4, gt=0)
    lookback_delta: Duration = Field(default=300.0, gt=0)


class EvaluatorConfig(StrictModel):
    """Where rules and targets come from, and the limits."""

    listen: Listen = "127.0.0.1:9701"
    open_metrics: bool = False
    """/metrics without the service token although others than this machine can reach it."""
    rule_files: list[str] = Field(default_factory=list)
    """Files or globs, relative to the configuration file."""
    global_: GlobalConfig = Field(default=GlobalConfig(), alias="global")
    scrape_configs: list[ScrapeConfig] = Field(default_factory=list)
    scrape_config_files: list[str] = Field(default_factory=list)
    """Files with `scrape_configs:` of their own, as in prometheus.yml."""
    default_cooldown: Duration = Field(default=900.0, ge=0)
    default_max_alerts_per_hour: int = Field(default=4, ge=0)
    resend_delay: Duration = Field(default=60.0, gt=0)
    resolved_retention: Duration = Field(default=900.0, ge=0)
    flap_changes: int = Field(default=5, gt=1)
    """So many changes between firing and resolved within half an hour are called flapping."""
    no_data_memory: Duration = Field(default=3600.0, gt=0)
    """How long `no_data: alert` misses a label set before it counts as removed."""
    dead_rule_after: Duration = Field(default=120.0, gt=0)
    """A rule that matches no series for so long is named in the log, in /api/v1/rules and by a metric."""
    notifier_urls: list[str] = Field(default_factory=lambda: ["http://127.0.0.1:9702"])
    """Where alerts go while Redis is away."""
    retain: str = Field(default="rules", pattern="^(rules|all)$")
    """`rules`: only series that a rule reads or writes; `all`: whatever is scraped."""
    retention: Duration | None = Field(default=None, gt=0)
    """How long samples are kept; default: the longest time that a rule asks for, at least 30 minutes."""
    max_series: int = Field(default=1_000_000, gt=0)
    max_series_per_target: int = Field(default=200_000, gt=0)
    state_wait: Duration = Field(default=5.0, ge=0)
    """How long a start waits for Redis to give the alert state back."""
    query: QueryLimits = QueryLimits()
    sources: list[SourceConfig] = Field(default_factory=list)
    """Credentials of the servers that rule groups name as their `source`."""
    remote_write: list[RemoteWriteConfig] = Field(default_factory=list)
    """Servers that get what rules record, and ALERTS."""
    history: HistoryConfig = HistoryConfig()
    """What is kept in Postgres of what rules record, and for how long."""

    @field_validator("notifier_urls")
    @classmethod
    def _urls(cls, urls: list[str]) -> list[str]:
        for url in urls:
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"{url!r} is not a URL; write it like http://127.0.0.1:9702")
        return urls

    @model_validator(mode="after")
    def _jobs_once(self) -> "EvaluatorConfig":
        check_job_names(self.scrape_configs)
        return self


def check_job_names(configs: list[ScrapeConfig]) -> None:
    """Raise ValueError when two jobs have the same name."""
    seen: set[str] = set()
    for config in configs:
        if config.job_name in seen:
            raise ValueError(f"job_name {config.job_name!r} stands twice; rename one")
        seen.add(config.job_name)


class ScrapeFile(StrictModel):
    """A file of `scrape_config_files`."""

    scrape_configs: list[ScrapeConfig] = Field(default_factory=list)
