"""Questions to the notifier, in Alertmanager's API v2."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import aiohttp
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

_TIMEOUT = aiohttp.ClientTimeout(total=3.0)
_NOT_FOUND = 404
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class NotifierError(RuntimeError):
    """No answer, or none that can be used; `reason` is bounded."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _seconds(value: object) -> object:
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value


Moment = Annotated[float, BeforeValidator(_seconds)]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class ReadMatcher(_Read):
    """One condition as Alertmanager writes it."""

    name: str
    value: str
    is_regex: bool = Field(alias="isRegex")
    is_equal: bool = Field(default=True, alias="isEqual")


class _Status(_Read):
    state: Literal["pending", "active", "expired"]


class ReadSilence(_Read):
    """One silence as Alertmanager's API tells it."""

    silence_id: str = Field(alias="id")
    status: _Status
    matchers: tuple[ReadMatcher, ...]
    starts_at: Moment = Field(alias="startsAt")
    ends_at: Moment = Field(alias="endsAt")
    updated_at: Moment = Field(alias="updatedAt")
    created_by: str = Field(default="", alias="createdBy")
    comment: str = ""


_ALL = TypeAdapter(list[ReadSilence])


class NotifierClient:
    """Asks with the service token; every method raises NotifierError."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session, self._url = session, url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    async def silences(self) -> list[ReadSilence]:
        """Return all silences that are kept."""
        found: list[ReadSilence] = self._read(_ALL, await self._ask("/api/v2/silences"))
        return found

    async def silence(self, silence_id: str) -> ReadSilence | None:
        """Return one silence, None when there is none of that id."""
        # Goes into an address, so nothing in it may lead elsewhere.
        body = await self._ask(f"/api/v2/silence/{silence_id}") if _ID.fullmatch(silence_id) else None
        return None if body is None else self._read(TypeAdapter(ReadSilence), body)

    @staticmethod
    def _read(adapter: TypeAdapter[Any], body: bytes | None) -> Any:
        try:
            return adapter.validate_json(body or b"[]")
        except ValidationError as error:
            raise NotifierError("bad_answer", f"the notifier's answer has another form: {error}") from error

    async def _ask(self, path: str) -> bytes | None:
        try:
            async with self._session.get(self._url + path, headers=self._headers, timeout=_TIMEOUT) as answer:
                if answer.status in {401, 403}:
                    raise NotifierError("refused", "the notifier refuses the service token; is it the same file?")
                if answer.status == _NOT_FOUND:
                    return None
                if answer.status != 200:  # noqa: PLR2004 - OK
                    raise NotifierError("failed", f"the notifier answers {answer.status} to {path}")
                return await answer.read()
        except TimeoutError as error:
            raise NotifierError("timeout", "the notifier did not answer in time") from error
        except aiohttp.ClientError as error:
            raise NotifierError("unreachable", f"the notifier can't be reached at {self._url}: {error}") from error
