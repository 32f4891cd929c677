"""The stand-in API's answer about Tocsin itself: a day with troubles."""

import time
from typing import TYPE_CHECKING

from aiohttp import web

from services.api.overview.model import ServiceHealth
from services.api.status import model

if TYPE_CHECKING:
    from tests.browser.stub import StubApi


def status(now: float) -> model.Status:
    """A notifier that is missing, a backlog, a failing target and rule, a channel with failures."""
    beat = {"instance": "node-1:9701", "detail": "", "at": now - 2, "version": "0.1.0"}
    down = model.TargetState(
        job="web", instance="web-7:8000", url="http://web-7:8000/metrics", health="down", error="connection refused",
        at=now - 4, seconds=0.002,
    )  # fmt: skip
    rule = model.RuleState(
        name="HighApiResponseTime", group="fastapi", file="rules/fastapi.yml", seconds=0.004, error=""
    )
    return model.Status(
        at=now,
        services=model.ServicesPart(
            missing="The notifier's /metrics can't be reached (ClientConnectorError).",
            services=[
                ServiceHealth(service="api", ready=True, **beat),
                ServiceHealth(service="evaluator", ready=False, **{**beat, "detail": "no rules are loaded"}),
            ],
            missing_services=["notifier"],
            configs=[
                model.ConfigState(service="evaluator", kind="rules", in_force=False, since=now - 7200),
                model.ConfigState(service="evaluator", kind="scrape", in_force=True, since=now - 90),
            ],
            away=["evaluator: postgres"],
            troubles=[model.Trouble(service="api", name="record", reason="StorageUnavailableError", count=3)],
        ),
        streams=model.StreamsPart(
            missing="",
            streams=[
                model.Stream(
                    name="tocsin:alerts", entries=12_345, newest=now - 1,
                    groups=[
                        model.StreamGroup(name="history", lag=0, pending=2, consumers=1),
                        model.StreamGroup(name="notifier", lag=530, pending=1204, consumers=1),
                    ],
                ),
                model.Stream(name="tocsin:actions", entries=0, newest=None, groups=[]),
            ],
            dead=[model.DeadLetters(stream="tocsin:alerts:dead:history", entries=1)],
        ),
        scrapes=model.ScrapesPart(
            missing="", up=41, down=1, unknown=0, spread=model.Spread(count=900, p50=0.012, p95=0.2), failing=[down],
            slowest=[down.model_copy(update={"instance": "db-1:9187", "seconds": 1.2, "health": "up", "error": ""})],
            left_out=0,
        ),
        rules=model.RulesPart(
            missing="", rules=75, groups=9, spread=model.Spread(count=500, p50=0.001, p95=0.009),
            wait=model.Spread(count=0, p50=None, p95=None), missed=2,
            failing=[rule.model_copy(update={"error": "many-to-many matching not allowed"})], slowest=[rule],
        ),
        delivery=model.DeliveryPart(
            missing="",
            channels=[
                model.ChannelFigures(
                    channel="slack", messages=40, delivered=39, failed=1, waiting=0, attempts=44, p95=0.31,
                    last_failure=now - 600, last_reason="rate_limited",
                ),
            ],
        ),
        queue=model.QueuePart(missing="", outbox=2, oldest_seconds=420, records_queued=0, records_dropped=0, held=3),
        postgres=model.PostgresPart(
            missing="", bytes=734_003_200, version="18.0",
            tables=[model.Table(name="metric_samples", bytes=524_288_000, rows=11_000_000, partitions=31)],
        ),
        redis=model.RedisPart(
            missing="", bytes=9_400_000, max_bytes=10_000_000, peak_bytes=9_500_000, keys=210, version="7.2.4"
        ),
        history=model.HistoryPart(
            missing="", queued=0, backlog_bytes=65_536, dropped=0, head_series=2100, head_bytes=1_500_000
        ),
    )  # fmt: skip


def add_routes(app: web.Application, stub: "StubApi") -> None:
    """Serve the status."""

    async def answer(request: web.Request) -> web.Response:
        stub.user(request)
        return web.json_response(status(time.time()).model_dump(mode="json"))

    app.router.add_get("/api/admin/monitoring/status", answer)
