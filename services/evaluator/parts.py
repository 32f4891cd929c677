"""The collaborators of an evaluator, built from its configuration."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.common.clock import Clock
from services.common.telemetry import Telemetry
from services.evaluator.config import EvaluatorConfig
from services.evaluator.head import Head
from services.evaluator.promql import Engine
from services.evaluator.retention import LEAST_SECONDS, Retention
from services.evaluator.rules.loader import RuleDefaults
from services.evaluator.rules.manager import RuleManager
from services.evaluator.rules.rounds import Round
from services.evaluator.rules.runner import Batch
from services.evaluator.rules.scheduler import Prepare, Scheduler
from services.evaluator.rules.settings import RuleSettings, Written
from services.evaluator.scrape.arrival import Arrival
from services.evaluator.scrape.manager import ScrapeManager
from services.evaluator.telemetry import HeadTelemetry, RuleTelemetry, ScrapeTelemetry

_RULE_TIMEOUT = 30.0


@dataclass(frozen=True)
class Parts:
    """What an evaluator consists of."""

    head: Head
    rules: RuleManager
    scheduler: Scheduler
    scrapes: ScrapeManager
    retention: Retention
    telemetry: Telemetry
    clock: Clock
    base: Path


def make_parts(
    config: EvaluatorConfig,
    *,
    base: Path,
    clock: Clock,
    telemetry: Telemetry,
    external_url: str,
    submit: Callable[[Batch], None],
    prepare: Prepare,
    written: Written | None = None,
) -> Parts:
    """Return the parts, connected: samples drive the schedule, evaluations end in `submit`.

    `prepare` asks a group's source; `written` hears of every series that a rule writes.
    """
    head = _head(config)
    rule_telemetry = RuleTelemetry(telemetry)
    engine = Engine(
        lookback_s=config.query.lookback_delta,
        max_samples=config.query.max_samples,
        timeout_s=_RULE_TIMEOUT,
        monotonic=clock.monotonic,
    )
    rules = RuleManager(
        config.rule_files,
        base=base,
        defaults=rule_defaults(config),
        settings=RuleSettings(
            resend_delay=config.resend_delay,
            retention=config.resolved_retention,
            flap_changes=config.flap_changes,
            no_data_memory=config.no_data_memory,
            dead_after=config.dead_rule_after,
            started_at=clock.now(),
            external_labels=config.global_.external_labels,
            external_url=external_url,
            written=written,
        ),
        engine=engine,
        head=head,
        clock=clock,
        telemetry=rule_telemetry,
    )

    def arrived(arrival: Arrival) -> None:
        scheduler.arrive(arrival)

    scrapes = ScrapeManager(head, base=base, clock=clock, telemetry=ScrapeTelemetry(telemetry), on_arrival=arrived)
    scheduler = Scheduler(
        clock=clock,
        telemetry=rule_telemetry,
        submit=submit,
        scraped_once=lambda: scrapes.scraped_once,
        prepare=prepare,
        new_round=lambda: Round(engine, head),
    )
    retention = Retention(head, HeadTelemetry(telemetry))
    return Parts(head, rules, scheduler, scrapes, retention, telemetry, clock, base)


def _head(config: EvaluatorConfig) -> Head:
    return Head(
        retention_s=config.retention or LEAST_SECONDS,
        max_series=config.max_series,
        max_series_per_target=config.max_series_per_target,
    )


def rule_defaults(config: EvaluatorConfig) -> RuleDefaults:
    """Return what rules have where their files give nothing."""
    return RuleDefaults(
        interval=config.global_.evaluation_interval,
        query_offset=config.global_.rule_query_offset,
        cooldown=config.default_cooldown,
        max_per_hour=config.default_max_alerts_per_hour,
    )
