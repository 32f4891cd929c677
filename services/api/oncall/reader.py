"""Asks the notifier who is told and who is on call, at most every 3 seconds however many pages are open."""

import asyncio
from typing import TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from services.api.problem import ProblemError
from services.common.clock import Clock
from services.common.people_shown import PEOPLE_PATH, REFRESH_PATH, TEST_PATH, People, TrialRequest, TrialResults

KEPT_SECONDS = 3.0
_ASK = aiohttp.ClientTimeout(total=5.0)
# A provider may take its time: the notifier gives each way up by itself long before.
_TRY = aiohttp.ClientTimeout(total=90.0)
_OK, _NOT_FOUND = 200, 404
_Read = TypeVar("_Read", bound=BaseModel)


class PeopleReader:
    """Asks with the service token; every method raises ProblemError 503 while there is no usable answer."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, clock: Clock) -> None:
        self._session, self._url, self._clock = session, url.rstrip("/"), clock
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._people: People | None = None
        self._asked_at = 0.0
        self._asking = asyncio.Lock()

    async def people(self) -> People:
        """Return everybody, as they were told a few seconds ago at most."""
        async with self._asking:
            if self._people is None or self._clock.monotonic() - self._asked_at >= KEPT_SECONDS:
                self._people = None
                self._keep(await self._ask("GET", PEOPLE_PATH, People))
            return self._known()

    async def refresh(self) -> People:
        """Let the notifier read what was chosen, and return what is in force then."""
        async with self._asking:
            self._people = None
            self._keep(await self._ask("POST", REFRESH_PATH, People))
            return self._known()

    async def test(self, request: TrialRequest) -> TrialResults:
        """Send a test message; raises ProblemError 404 for a contact or receiver that there is not."""
        return await self._ask("POST", TEST_PATH, TrialResults, request)

    def _keep(self, people: People) -> None:
        self._people, self._asked_at = people, self._clock.monotonic()

    def _known(self) -> People:
        if self._people is None:
            raise _away("it gave no answer")
        return self._people

    async def _ask(self, method: str, path: str, form: type[_Read], body: BaseModel | None = None) -> _Read:
        data = None if body is None else body.model_dump_json().encode()
        timeout = _ASK if body is None else _TRY
        try:
            async with self._session.request(
                method, self._url + path, headers=self._headers, data=data, timeout=timeout
            ) as answer:
                status, payload = answer.status, await answer.read()
        except TimeoutError as error:
            raise _away("it did not answer in time") from error
        except aiohttp.ClientError as error:
            raise _away("it can't be reached") from error
        if status in {401, 403}:
            raise _away("it refuses the service token; is it the same file?")
        if status == _NOT_FOUND and body is not None:
            raise ProblemError(404, "unknown-name", f"There is {_text(payload)}.", "Take a name of GET contacts.")
        if status != _OK:
            raise _away(f"it answers {status}")
        try:
            return form.model_validate_json(payload)
        except ValidationError as error:
            raise _away("its answer has another form; is it of another version?") from error


def _text(payload: bytes) -> str:
    return payload.decode(errors="replace").strip('"').replace('\\"', '"')


def _away(reason: str) -> ProblemError:
    return ProblemError(
        503,
        "notifier-away",
        f"Who is told is not known: the notifier gives no answer, {reason}.",
        "Look whether the notifier runs (tocsin up, or its /-/ready), and whether notifier_url is right.",
        headers={"Retry-After": "5"},
    )
