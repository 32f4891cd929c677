"""API v2: silences."""

import datetime as dt
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.common.events import SilenceMatcher, SilenceRequest
from services.notifier.api_answers import answer, asked_matchers, first_mistake, fits, problem
from services.notifier.data import rfc3339
from services.notifier.pipeline import Pipeline, StandbyError
from services.notifier.silences import Silence, SilenceError, UnknownSilenceError

_ORDER = {"active": 0, "pending": 1, "expired": 2}


class PostedSilence(BaseModel):
    """A silence as Alertmanager's API takes it; with `id` it changes the one that has it."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    silence_id: str = Field(default="", alias="id")
    matchers: tuple[SilenceMatcher, ...] = Field(min_length=1)
    starts_at: dt.datetime = Field(alias="startsAt")
    ends_at: dt.datetime = Field(alias="endsAt")
    created_by: str = Field(alias="createdBy")
    comment: str

    def request(self) -> SilenceRequest:
        """Return what is asked for."""
        return SilenceRequest(
            matchers=self.matchers, starts_at=_at(self.starts_at), ends_at=_at(self.ends_at),
            created_by=self.created_by, comment=self.comment,
        )  # fmt: skip


def _at(moment: dt.datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


class SilencesApi:
    """Handlers over one pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def post(self, request: web.Request) -> web.Response:
        """Make a silence, or change one; answers with its id (a new one where the change makes it another silence)."""
        try:
            posted = PostedSilence.model_validate(orjson.loads(await request.read()))
        except orjson.JSONDecodeError as error:
            return problem(400, f"the body is not JSON: {error}")
        except ValidationError as error:
            return problem(400, first_mistake(error))
        made: list[str] = []

        def change(now: float) -> None:
            known = self._pipeline.state.silences.get(posted.silence_id)
            if posted.silence_id and known is None:
                raise UnknownSilenceError(posted.silence_id)
            made.append(self._pipeline.engine.silence(posted.request(), now, known=known))

        try:
            await self._pipeline.step(change)
        except SilenceError as error:
            return problem(400, str(error))
        except UnknownSilenceError:
            return problem(404, f"silence {posted.silence_id} not found")
        except StandbyError as error:
            return problem(503, str(error))
        return answer({"silenceID": made[0]})

    async def listed(self, request: web.Request) -> web.Response:
        """List silences, those in force first; `filter` asks for what their matchers say."""
        try:
            matchers = asked_matchers(request)
        except ValueError as error:
            return problem(400, str(error))
        now = self._pipeline.clock.now()
        found = [
            silence
            for silence in self._pipeline.state.silences.values()
            if fits({one.name: one.value for one in silence.matchers}, matchers)
        ]
        found.sort(key=lambda one: _rank(one, now))
        return answer([_shown(silence, now) for silence in found])

    async def get(self, request: web.Request) -> web.Response:
        """Show one silence."""
        silence = self._pipeline.state.silences.get(request.match_info["silence_id"])
        if silence is None:
            return problem(404, "silence not found")
        return answer(_shown(silence, self._pipeline.clock.now()))

    async def delete(self, request: web.Request) -> web.Response:
        """End a silence; ending one that is over is no mistake."""
        silence_id = request.match_info["silence_id"]
        try:
            await self._pipeline.step(lambda now: self._pipeline.engine.expire_silence(silence_id, now))
        except UnknownSilenceError:
            return problem(404, f"silence {silence_id} not found")
        except StandbyError as error:
            return problem(503, str(error))
        return web.Response()


def _rank(silence: Silence, now: float) -> tuple[int, float]:
    state = silence.state(now)
    by = {"active": silence.ends_at, "pending": silence.starts_at, "expired": -silence.ends_at}
    return _ORDER[state], by[state]


def _shown(silence: Silence, now: float) -> dict[str, Any]:
    return {
        "id": silence.silence_id,
        "status": {"state": silence.state(now)},
        "updatedAt": rfc3339(silence.updated_at),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "startsAt": rfc3339(silence.starts_at),
        "endsAt": rfc3339(silence.ends_at),
        "matchers": [one.model_dump(by_alias=True) for one in silence.matchers],
    }
