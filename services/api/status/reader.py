"""Asks all for the status at once; what gives no answer in time is named, and the rest is shown."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import aiohttp
import asyncpg
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.api.evaluator import EvaluatorClient, EvaluatorError
from services.api.overview.state import OverviewState
from services.api.status.metrics_page import MetricsPage
from services.api.status.model import DeliveryPart, PostgresPart, RedisPart, Status, StreamsPart
from services.api.status.servers import read_delivery, read_postgres, read_redis, read_streams
from services.api.status.services import (
    Targets,
    history_part,
    joined,
    queue_part,
    rules_part,
    scrapes_part,
    services_part,
)
from services.common.clock import Clock
from services.common.storage import Database, StorageUnavailableError

KEPT_SECONDS = 5.0
PART_SECONDS = 4.0
"""How long one part may take."""
_OK = 200
Part = TypeVar("Part")


class StatusReader:
    """Reads the status at most every 5 seconds, however many pages are open; never raises for a part that is away."""

    def __init__(
        self,
        *,
        evaluator: EvaluatorClient,
        pages: Mapping[str, str],
        token: str,
        http: aiohttp.ClientSession,
        registry: CollectorRegistry,
        redis: Redis,
        database: Database,
        overview: OverviewState,
        clock: Clock,
    ) -> None:
        """`pages`: the addresses of the evaluator's and the notifier's own `/metrics`."""
        self._evaluator, self._pages, self._http, self._registry = evaluator, pages, http, registry
        self._headers = {"Authorization": f"Bearer {token}"}
        self._redis, self._database, self._overview, self._clock = redis, database, overview, clock
        self._asking = asyncio.Lock()
        self._kept: tuple[float, Status] | None = None

    async def read(self) -> Status:
        """Return the status as of some seconds ago at most."""
        async with self._asking:
            if self._kept is None or self._clock.monotonic() - self._kept[0] >= KEPT_SECONDS:
                status = await self._ask()
                self._kept = (self._clock.monotonic(), status)
            return self._kept[1]

    async def _ask(self) -> Status:
        now = self._clock.now()
        async with asyncio.TaskGroup() as asking:
            evaluator_page = asking.create_task(self._page("evaluator"))
            notifier_page = asking.create_task(self._page("notifier"))
            targets = asking.create_task(_within("The evaluator's targets", self._targets))
            rules = asking.create_task(_within("The evaluator's rules", self._evaluator.rules))
            streams = asking.create_task(_within("Redis", lambda: read_streams(self._redis)))
            redis = asking.create_task(_within("Redis", lambda: read_redis(self._redis)))
            postgres = asking.create_task(_within("Postgres", lambda: read_postgres(self._database)))
            delivery = asking.create_task(_within("Postgres", lambda: read_delivery(self._database, now)))
        evaluator, evaluator_gone = evaluator_page.result()
        notifier, notifier_gone = notifier_page.result()
        return Status(
            at=now,
            services=services_part(
                self._overview.health(now),
                {**self._own(), **_known(evaluator=evaluator, notifier=notifier)},
                joined([evaluator_gone, notifier_gone]),
            ),
            streams=_or(streams.result(), lambda why: StreamsPart(missing=why, streams=[], dead=[])),
            scrapes=scrapes_part(targets.result()[0], evaluator, joined([targets.result()[1], evaluator_gone])),
            rules=rules_part(rules.result()[0], evaluator, joined([rules.result()[1], evaluator_gone])),
            delivery=_or(delivery.result(), lambda why: DeliveryPart(missing=why, channels=[])),
            queue=queue_part(notifier, notifier_gone),
            postgres=_or(postgres.result(), lambda why: PostgresPart(missing=why, bytes=0, version="", tables=[])),
            redis=_or(
                redis.result(),
                lambda why: RedisPart(missing=why, bytes=0, max_bytes=0, peak_bytes=0, keys=0, version=""),
            ),
            history=history_part(evaluator, evaluator_gone),
        )

    def _own(self) -> dict[str, MetricsPage]:
        return {"api": MetricsPage.read(generate_latest(self._registry).decode())}

    async def _page(self, service: str) -> tuple[MetricsPage | None, str]:
        return await _within(f"The {service}'s /metrics", lambda: self._read_page(self._pages[service]))

    async def _read_page(self, url: str) -> MetricsPage:
        async with self._http.get(url, headers=self._headers) as answer:
            if answer.status != _OK:
                raise _RefusedError(f"answers {answer.status}")
            text = await answer.text()
        # Thousands of lines: not on the event loop.
        return await asyncio.to_thread(MetricsPage.read, text)

    async def _targets(self) -> Targets:
        return await self._evaluator.targets(Targets)


class _RefusedError(Exception):
    """A service answers, but not with what was asked."""


def _known(**pages: MetricsPage | None) -> dict[str, MetricsPage]:
    return {service: page for service, page in pages.items() if page is not None}


def _or(told: tuple[Part | None, str], empty: Callable[[str], Part]) -> Part:
    part, why = told
    return empty(why) if part is None else part


async def _within(what: str, ask: Callable[[], Awaitable[Part]]) -> tuple[Part | None, str]:
    """Return a part, or None and why it is missing."""
    try:
        async with asyncio.timeout(PART_SECONDS):
            return await ask(), ""
    except TimeoutError:
        return None, f"{what} gave no answer within {PART_SECONDS:.0f} s."
    except EvaluatorError as error:
        return None, f"{what} can't be read ({error.reason})."
    except _RefusedError as error:
        return None, f"{what} can't be read: it {error}."
    except (aiohttp.ClientError, RedisError, StorageUnavailableError, OSError) as error:
        return None, f"{what} can't be reached ({type(error).__name__})."
    except (ValidationError, ValueError, asyncpg.PostgresError) as error:
        return None, f"{what} answered in another form ({type(error).__name__}); is it of another version?"
