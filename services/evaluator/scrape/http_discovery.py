"""Targets that an HTTP server names (Prometheus' http_sd): asked again and again, the last good list kept."""

import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from services import __version__
from services.common.clock import Clock
from services.evaluator.scrape.config import HttpSdConfig, StaticConfig
from services.evaluator.scrape.credentials import UNAUTHORISED, ScrapeCredentials
from services.evaluator.scrape.errors import Reason, ScrapeError
from services.evaluator.scrape.full_client import FullClient
from services.evaluator.scrape.http_answer import Answer
from services.evaluator.scrape.targets import TargetGroup

_LIMIT = 64 * 1024**2
_TIMEOUT = 60.0
_OK = 200
_JSON = re.compile(r'application/json(;\s*charset=("utf-8"|utf-8))?', re.IGNORECASE)
_GROUPS: TypeAdapter[list[StaticConfig]] = TypeAdapter(list[StaticConfig])
log = structlog.get_logger(__name__)


class HttpDiscovery:
    """The groups of one URL of `http_sd_configs`; `broken` says why the last answer was not taken."""

    def __init__(self, config: HttpSdConfig, base: Path, clock: Clock) -> None:
        """Raises ConfigError for TLS files that can't be used."""
        self.config = config
        self._credentials = ScrapeCredentials(config, base, clock)
        self.groups: list[TargetGroup] = []
        self.broken = ""
        self._base = base
        self._client = FullClient(config, _LIMIT)

    async def open(self, stack: AsyncExitStack) -> None:
        """Get ready to ask; raises ConfigError for TLS files that can't be used."""
        await self._client.open(stack, self.config.tls_context(self._base))

    def take_over(self, old: "HttpDiscovery") -> None:
        """Begin with what another discovery of the same URL knew."""
        self.groups = old.groups

    async def poll(self) -> Reason | None:
        """Ask once; return why the groups are still the old ones, None when they are new."""
        try:
            self.groups = await self._ask()
        except ScrapeError as error:
            if self.broken != str(error):
                log.warning("target_list_refused", url=self.config.url, reason=error.reason, error=str(error))
            self.broken = str(error)
            return error.reason
        if self.broken:
            log.info("target_list_taken", url=self.config.url)
        self.broken = ""
        return None

    async def _ask(self) -> list[TargetGroup]:
        own = await self._credentials.headers(_TIMEOUT)
        answer = await self._get(own)
        if answer.status == UNAUTHORISED and (renewed := await self._credentials.renewed(own, _TIMEOUT)):
            answer = await self._get(renewed)
        return _groups(self.config.url, answer)

    async def _get(self, own: Mapping[str, str]) -> Answer:
        headers = {
            "User-Agent": f"Tocsin/{__version__}",
            "Accept": "application/json",
            "X-Prometheus-Refresh-Interval-Seconds": f"{self.config.refresh_interval:g}",
            **own,
        }
        return await self._client.get(self.config.url, headers, timeout=_TIMEOUT)


def _groups(url: str, answer: Answer) -> list[TargetGroup]:
    if answer.status != _OK:
        raise ScrapeError("status", f"server returned HTTP status {answer.status} {answer.reason}".rstrip())
    kind = answer.headers.get("content-type", "")
    if not _JSON.fullmatch(kind.strip()):
        raise ScrapeError("format", f"Content-Type is {kind!r}; the server must send application/json")
    try:
        data: Any = orjson.loads(answer.body)
        groups = _GROUPS.validate_python(data or [])
    except orjson.JSONDecodeError as error:
        raise ScrapeError("format", f"not JSON: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ScrapeError("format", f"{where}: {first['msg'].removeprefix('Value error, ')}") from error
    return [
        TargetGroup(tuple(group.targets), {**group.labels, "__meta_url": url}, f"{url}:{index}")
        for index, group in enumerate(groups)
    ]
