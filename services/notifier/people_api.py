"""`/api/v1/people`: who can be told and who is on call; and test messages. For the API, by the service token."""

import asyncio

import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError

from services.common.people_shown import PEOPLE_PATH, REFRESH_PATH, TEST_PATH, TrialRequest, TrialResult, TrialResults
from services.notifier.api_answers import first_mistake, problem
from services.notifier.links import Links
from services.notifier.people.shown import people_shown
from services.notifier.people_watch import PeopleWatch
from services.notifier.pipeline import Pipeline
from services.notifier.schedules_api import feed_path
from services.notifier.trial_run import Tried, UnknownNameError, try_out

_LONGEST_ANSWER = 500
log = structlog.get_logger(__name__)


class PeopleApi:
    """The handlers."""

    def __init__(self, pipeline: Pipeline, links: Links, watch: PeopleWatch) -> None:
        self._pipeline, self._links, self._watch = pipeline, links, watch

    def add_routes(self, app: web.Application) -> None:
        """Serve them."""
        app.router.add_get(PEOPLE_PATH, self.listed)
        app.router.add_post(REFRESH_PATH, self.refresh)
        app.router.add_post(TEST_PATH, self.test)

    async def listed(self, _request: web.Request) -> web.Response:
        """Tell everybody of the configuration in force, as they prefer it."""
        pipeline = self._pipeline
        generation, preferences, now = pipeline.generation, pipeline.preferences, pipeline.clock.now()
        # Five weeks of many rotations take part of a second, for which paging must not stand still.
        return _json(await asyncio.to_thread(
            people_shown, generation.directory, preferences, places=generation.places,
            receivers=tuple(generation.receivers), feed=lambda name: feed_path(self._links, name), now=now,
        ))  # fmt: skip

    async def refresh(self, request: web.Request) -> web.Response:
        """Read what people have chosen now, and tell what is in force then."""
        await self._watch.read_preferences()
        return await self.listed(request)

    async def test(self, request: web.Request) -> web.Response:
        """Send a real message by every way of a contact or receiver, and tell what became of each."""
        try:
            asked = TrialRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return problem(400, first_mistake(error))
        if bool(asked.contact) == bool(asked.receiver):
            return problem(400, "name either a contact or a receiver")
        generation = self._pipeline.generation
        # A reload meanwhile must not close what sends.
        generation.users += 1
        try:
            tried = await try_out(
                generation, self._pipeline.clock, contact=asked.contact, receiver=asked.receiver, by=asked.by,
                comment="Sent from the page.",
            )  # fmt: skip
        except UnknownNameError as error:
            return problem(404, str(error))
        finally:
            generation.users -= 1
            await generation.done()
        failed = sum(bool(one.problem) for one in tried)
        log.info("test_sent", by=asked.by, contact=asked.contact, receiver=asked.receiver, ways=len(tried),
                 failed=failed)  # fmt: skip
        return _json(TrialResults(results=tuple(_result(one) for one in tried)))


def _result(one: Tried) -> TrialResult:
    return TrialResult(
        receiver=one.receiver, channel=one.integration, recipient=one.recipient, ok=not one.problem,
        seconds=one.seconds, answer=(one.problem or one.provider_id)[:_LONGEST_ANSWER],
    )  # fmt: skip


def _json(shown: BaseModel) -> web.Response:
    return web.Response(body=shown.model_dump_json().encode(), content_type="application/json")
