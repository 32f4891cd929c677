"""Questions to the API: each once at a time, then several at once, never the same twice in a row."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from yarl import URL

from bench.api.figures import Latency
from bench.report import percentile

AT_ONCE = 8
_BASE = "/api/admin/monitoring"
_DAY = 86_400
_LIMIT = 200.0
_FILTERS = {
    "newest": "",
    "before any time": "BEFORE",
    "severity and component": "severity=critical&component=COMPONENT&BEFORE",
    "one rule": "name=RULE&BEFORE",
    "a rule that there is not": "name=RuleNUMBER&severity=warning",
    "text: one host of 2,000": "text=HOST&BEFORE",
    "text: one word of 5": "text=WORD&BEFORE",
    "text and filters": "text=HOST&severity=critical&category=system",
    "text that is nowhere": "text=nowhere-NUMBER",
}
Make = Callable[[random.Random], str]


@dataclass(frozen=True)
class Question:
    """A kind of request; `make` gives one of many of the kind."""

    name: str
    make: Make
    limit: float | None = None
    """Of the 95th percentile of single answers, in ms."""


def questions(series: int, now: float) -> list[Question]:
    """Return what people and programs ask of the API."""
    return [
        Question("alerts/active", lambda _: "alerts/active"),
        *(
            Question(f"alerts/history, {name}", _alerts(now, query), _LIMIT)
            for name, query in _FILTERS.items()
        ),
        *(
            Question(f"metrics/history, one series, {period}", _history(series // 6, period), _LIMIT)
            for period in ("1h", "24h", "7d", "30d")
        ),
        *(
            Question(f"trends with the week before, {name}, {period}", _trends(series // 6, count, period), _LIMIT)
            for name, count, period in (
                ("1 metric of 5 series", 1, "30d"), ("8 of 1", 8, "24h"), ("8 of 1", 8, "30d"),
            )
        ),
    ]  # fmt: skip


def _alerts(now: float, query: str) -> Make:
    def make(chance: random.Random) -> str:
        words = {
            "BEFORE": f"until={now - chance.uniform(1, 390) * _DAY:.0f}",
            "COMPONENT": chance.choice(["redis", "celery", "postgres"]),
            "RULE": f"Rule{chance.randrange(60)}",
            "HOST": f"host-{chance.randrange(1000, 2000)}:9100",
            "WORD": chance.choice(["latency", "filling", "errors"]),
            "NUMBER": str(chance.randrange(1000, 10**6)),
        }
        asked = query
        for word, text in words.items():
            asked = asked.replace(word, text)
        return f"alerts/history?limit=50&{asked}"

    return make


def _history(metrics: int, period: str) -> Make:
    def make(chance: random.Random) -> str:
        metric, host = chance.randrange(metrics), chance.randrange(5)
        return f"metrics/history?metric=shop:metric_{metric}&labels=instance=host-{host}&period={period}"

    return make


def _trends(metrics: int, count: int, period: str) -> Make:
    kind = "single" if count > 1 else "metric"

    def make(chance: random.Random) -> str:
        names = ",".join(f"shop:{kind}_{number}" for number in chance.sample(range(metrics), count))
        return f"performance/trends?metrics={names}&period={period}&compare=week"

    return make


async def measure(session: aiohttp.ClientSession, question: Question, seconds: float) -> Latency:
    """Ask alone for half of the time, then several at once for the other half."""
    chance = random.Random(question.name)  # noqa: S311 - the same questions in each run
    await _ask(session, question, chance)
    alone = await _ask_for(session, question, chance, seconds / 2)
    began = time.monotonic()
    busy = await asyncio.gather(*(_ask_for(session, question, chance, seconds / 2) for _ in range(AT_ONCE)))
    over = time.monotonic() - began
    together = list(itertools.chain.from_iterable(busy))
    return Latency(
        question.name, len(together) / over, percentile(together, 0.95), percentile(alone, 0.5),
        percentile(alone, 0.95), question.limit,
    )  # fmt: skip


async def _ask_for(
    session: aiohttp.ClientSession, question: Question, chance: random.Random, seconds: float
) -> list[float]:
    until, times = time.monotonic() + seconds, list[float]()
    while not times or time.monotonic() < until:
        times.append(await _ask(session, question, chance))
    return times


async def _ask(session: aiohttp.ClientSession, question: Question, chance: random.Random) -> float:
    url = URL(f"{_BASE}/{question.make(chance)}")
    began = time.perf_counter()
    async with session.get(url) as answer:
        await answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} to {url}: {await answer.text()}")
    return (time.perf_counter() - began) * 1000
