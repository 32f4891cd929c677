"""From the services' own answers to parts of the status. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.api.overview.evaluated import RuleGroups
from services.api.overview.model import Health
from services.api.status.metrics_page import MetricsPage
from services.api.status.model import (
    ConfigState,
    HistoryPart,
    QueuePart,
    RulesPart,
    RuleState,
    ScrapesPart,
    ServicesPart,
    Spread,
    TargetState,
    Trouble,
)

SLOWEST = 8
MOST_FAILING = 50


class _Target(BaseModel):
    model_config = ConfigDict(extra="ignore")

    labels: dict[str, str] = Field(default_factory=dict)
    url: str = Field(default="", alias="scrapeUrl")
    error: str = Field(default="", alias="lastError")
    at: str = Field(default="", alias="lastScrape")
    seconds: float = Field(default=0.0, alias="lastScrapeDuration")
    health: str = "unknown"


class Targets(BaseModel):
    """The data of Prometheus' `/api/v1/targets`."""

    model_config = ConfigDict(extra="ignore")

    active: list[_Target] = Field(alias="activeTargets")


def services_part(health: Health, pages: Mapping[str, MetricsPage], missing: str) -> ServicesPart:
    """Return who lives by the heartbeats, and what each service tells of its insides."""
    return ServicesPart(
        missing=missing,
        services=health.services,
        missing_services=health.missing_services,
        configs=[config for service, page in pages.items() for config in _configs(service, page)],
        away=sorted(
            f"{service}: {sample.labels['dependency']}"
            for service, page in pages.items()
            for sample in page.all("tocsin_dependency_up")
            if sample.value == 0
        ),
        troubles=[trouble for service, page in pages.items() for trouble in _troubles(service, page)],
    )


def _configs(service: str, page: MetricsPage) -> list[ConfigState]:
    since = {
        sample.labels["kind"]: sample.value
        for sample in page.all("tocsin_config_last_reload_success_timestamp_seconds")
    }
    return [
        ConfigState(service=service, kind=kind, in_force=sample.value == 1, since=since.get(kind) or None)
        for sample in page.all("tocsin_config_last_reload_successful")
        for kind in (sample.labels["kind"],)
    ]


def _troubles(service: str, page: MetricsPage) -> list[Trouble]:
    return [
        Trouble(service=service, name=sample.labels["loop"], reason=sample.labels["reason"], count=round(sample.value))
        for sample in page.all("tocsin_loop_errors_total")
        if sample.value > 0
    ]


def scrapes_part(targets: Targets | None, page: MetricsPage | None, missing: str) -> ScrapesPart:
    """Return the targets as the evaluator last scraped them."""
    states = [_target(target) for target in (targets.active if targets is not None else ())]
    failing = [state for state in states if state.health == "down"]
    return ScrapesPart(
        missing=missing,
        up=sum(state.health == "up" for state in states),
        down=len(failing),
        unknown=sum(state.health not in {"up", "down"} for state in states),
        spread=_spread(page, "tocsin_scrape_duration_seconds"),
        failing=sorted(failing, key=lambda state: (state.job, state.instance))[:MOST_FAILING],
        slowest=sorted(states, key=lambda state: -state.seconds)[:SLOWEST],
        left_out=0 if page is None else round(page.total("tocsin_scrape_series_left_out")),
    )


def _target(target: _Target) -> TargetState:
    return TargetState(
        job=target.labels.get("job", ""),
        instance=target.labels.get("instance", ""),
        url=target.url,
        health=target.health,
        error=target.error,
        at=_seconds(target.at),
        seconds=target.seconds,
    )


def _seconds(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
    # Go's zero time: never.
    return at if at > 0 else None


def rules_part(groups: RuleGroups | None, page: MetricsPage | None, missing: str) -> RulesPart:
    """Return how the evaluator's rules do."""
    listed = groups.groups if groups is not None else []
    states = [
        RuleState(
            name=rule.name,
            group=group.name,
            file=group.file,
            seconds=_number(rule.model_extra, "evaluationTime"),
            error=str((rule.model_extra or {}).get("lastError") or "") if rule.health == "err" else "",
        )
        for group in listed
        for rule in group.rules
    ]
    failing = [
        state.model_copy(update={"error": state.error or "failed"})
        for state, rule in zip(states, (rule for group in listed for rule in group.rules), strict=True)
        if rule.health == "err"
    ]
    return RulesPart(
        missing=missing,
        rules=len(states),
        groups=len(listed),
        spread=_spread(page, "tocsin_rule_group_duration_seconds"),
        wait=_spread(page, "tocsin_rule_wait_seconds"),
        missed=0 if page is None else round(page.total("tocsin_rule_group_evaluations_missed_total")),
        failing=failing[:MOST_FAILING],
        slowest=sorted(states, key=lambda state: -state.seconds)[:SLOWEST],
    )


def _number(extra: Mapping[str, Any] | None, key: str) -> float:
    value = (extra or {}).get(key, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


def _spread(page: MetricsPage | None, name: str) -> Spread | None:
    return None if page is None else page.spread(name)


def queue_part(page: MetricsPage | None, missing: str) -> QueuePart:
    """Return what waits in the notifier."""

    def number(name: str) -> float:
        return 0.0 if page is None else page.total(f"tocsin_notifier_{name}")

    return QueuePart(
        missing=missing,
        outbox=round(number("outbox_entries")),
        oldest_seconds=number("outbox_oldest_age_seconds"),
        records_queued=round(number("attempt_records_queued")),
        records_dropped=round(number("attempt_records_dropped")),
        held=round(number("held_alerts")),
    )


def history_part(page: MetricsPage | None, missing: str) -> HistoryPart:
    """Return what is on its way from the evaluator to Postgres."""

    def number(name: str) -> int:
        return 0 if page is None else round(page.total(f"tocsin_{name}"))

    return HistoryPart(
        missing=missing,
        queued=number("history_samples_queued"),
        backlog_bytes=number("history_backlog_bytes"),
        dropped=number("history_samples_dropped_total"),
        head_series=number("head_series"),
        head_bytes=number("head_bytes"),
    )


def joined(reasons: Sequence[str]) -> str:
    """Return why parts are missing, in one sentence each; "" for none."""
    return " ".join(dict.fromkeys(reason for reason in reasons if reason))
