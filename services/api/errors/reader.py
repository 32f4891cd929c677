"""Asks the collector for errors, at most every 5 seconds however many pages are open."""

import asyncio

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

from services.api.errors.model import ErrorGroup, Errors, ErrorsQuery
from services.api.errors.tls import CollectorTrust
from services.api.problem import ProblemError
from services.common.clock import Clock
from services.common.config import ConfigError

KEPT_SECONDS = 5.0
_MOST = 1000
# The collector itself waits 5 seconds for a log source.
_TIMEOUT = aiohttp.ClientTimeout(total=7.0)
_OK = 200


class _Page(BaseModel):
    model_config = ConfigDict(extra="ignore")

    errors: list[ErrorGroup]
    missing: list[str]
    sources: list[str]


class ErrorReader:
    """Reads all errors with the service token and searches in what was read."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: str,
        clock: Clock,
        *,
        trust: CollectorTrust | None = None,
    ) -> None:
        self._session, self._url, self._clock = session, f"{url.rstrip('/')}/errors", clock
        self._trust = trust
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._page: _Page | None = None
        self._read_at, self._asked_at = 0.0, 0.0
        self._asking = asyncio.Lock()

    async def find(self, query: ErrorsQuery) -> Errors:
        """Return the errors that fit; raises ProblemError (503) while the collector gives no usable answer."""
        async with self._asking:
            page = self._page
            if page is None or self._clock.monotonic() - self._asked_at >= KEPT_SECONDS:
                self._page = None
                page = self._page = await self._ask()
                self._read_at, self._asked_at = self._clock.now(), self._clock.monotonic()
        fitting = [group for group in page.errors if _fits(group, query)]
        return Errors(
            at=self._read_at,
            configured=bool(page.sources),
            errors=fitting[: query.limit],
            total=len(fitting),
            services=sorted({group.service for group in page.errors}),
            missing=page.missing,
        )

    async def _ask(self) -> _Page:
        asked = {"limit": str(_MOST)}
        try:
            tls = True if self._trust is None else await asyncio.to_thread(self._trust.context)
            async with self._session.get(
                self._url, params=asked, headers=self._headers, timeout=_TIMEOUT, ssl=tls
            ) as answer:
                if answer.status in {401, 403}:
                    raise _away("it refuses the service token")
                if answer.status != _OK:
                    raise _away(f"it answers {answer.status}")
                body = await answer.read()
        except ConfigError as error:
            raise _away(str(error)) from error
        except TimeoutError as error:
            raise _away("it did not answer in time") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise _away("its certificate is not trusted; name its authority in api.collector_tls.ca_file") from error
        except aiohttp.ClientError as error:
            raise _away("it can't be reached") from error
        try:
            # Megabytes of tracebacks must not hold up the event loop.
            return await asyncio.to_thread(_Page.model_validate_json, body)
        except ValidationError as error:
            raise _away("its answer has another form; is it of another version?") from error


def _away(reason: str) -> ProblemError:
    return ProblemError(
        503,
        "collector-away",
        f"The collector gives no errors: {reason}.",
        "Look whether it runs and reads the same service_token_file, and whether api.collector_url is right.",
        headers={"Retry-After": "5"},
    )


def _fits(group: ErrorGroup, query: ErrorsQuery) -> bool:
    if (query.service and group.service != query.service) or (query.level and group.level != query.level):
        return False
    example = group.example
    parts = (group.type, group.message, group.service, group.fingerprint, example.message, example.traceback)
    wanted = query.text.strip().casefold()
    return not wanted or any(wanted in part.casefold() for part in parts)
