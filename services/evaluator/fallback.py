"""The way around Redis: alerts go to the notifiers by POST, in Alertmanager's v2 form."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson

from services.common.events import AlertEvent

PATH = "/api/v2/alerts"
_BATCH = 500
_TIMEOUT = aiohttp.ClientTimeout(total=5.0, connect=2.0)


def alertmanager_alert(event: AlertEvent) -> dict[str, Any]:
    """Return the event as an alert of Alertmanager's API v2; our own fields stand under `tocsin`."""
    ends = event.ends_at if event.ends_at is not None else event.sent_at
    return {
        "labels": event.labels,
        "annotations": event.annotations,
        "startsAt": rfc3339(event.starts_at),
        "endsAt": rfc3339(ends),
        "generatorURL": event.generator_url,
        "tocsin": event.model_dump(mode="json"),
    }


def rfc3339(seconds: float) -> str:
    """Return a time as Prometheus' JSON has it, UTC, to the millisecond."""
    text = datetime.fromtimestamp(round(seconds, 3), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


class Fallback:
    """Posts to every notifier; each de-duplicates what it knows already."""

    def __init__(self, session: aiohttp.ClientSession, urls: Sequence[str], headers: Mapping[str, str]) -> None:
        self._session, self._headers = session, headers
        self.urls = [url.rstrip("/") + PATH for url in urls]

    async def post(self, events: Sequence[AlertEvent]) -> dict[str, str]:
        """Send the events to every notifier; return what failed, a reason by URL.

        The caller may count the events as sent when at least one notifier took them.
        """
        failures: dict[str, str] = {}
        for start in range(0, len(events), _BATCH):
            body = orjson.dumps([alertmanager_alert(event) for event in events[start : start + _BATCH]])
            for url in self.urls:
                if url not in failures and (reason := await self._send(url, body)):
                    failures[url] = reason
        return failures

    async def _send(self, url: str, body: bytes) -> str:
        headers = {**self._headers, "Content-Type": "application/json"}
        try:
            async with self._session.post(url, data=body, headers=headers, timeout=_TIMEOUT) as response:
                return "" if response.ok else f"status_{response.status // 100}xx"
        except TimeoutError:
            return "timeout"
        except (aiohttp.ClientError, OSError):
            return "unreachable"
