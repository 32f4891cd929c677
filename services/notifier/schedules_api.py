"""`/api/v1/schedules`: who is on call, and each schedule as a calendar feed."""

from typing import Any
from urllib.parse import quote

from aiohttp import web

from services.notifier.api_answers import answer, problem
from services.notifier.data import rfc3339
from services.notifier.links import Links
from services.notifier.people.ical import calendar
from services.notifier.people.schedules import Schedule, Shift
from services.notifier.pipeline import Pipeline

_DAY = 86_400.0
_BACK, _AHEAD = 7 * _DAY, 90 * _DAY
_SOON = 14 * _DAY


class SchedulesApi:
    """The handlers; the feed's token stands in its address, since calendar programs send no header."""

    def __init__(self, pipeline: Pipeline, links: Links) -> None:
        self._pipeline, self._links = pipeline, links

    def add_routes(self, app: web.Application) -> None:
        """Serve lists and feeds."""
        app.router.add_get("/api/v1/schedules", self.listed)
        app.router.add_get("/api/v1/schedules/{name}.ics", self.feed)

    async def listed(self, _request: web.Request) -> web.Response:
        """Tell for each schedule who is on call, the shifts of two weeks, and the feed's path."""
        now = self._pipeline.clock.now()
        directory = self._pipeline.engine.posting.directory
        return answer([self._shown(schedule, now) for schedule in directory.schedules.values()])

    def _shown(self, schedule: Schedule, now: float) -> dict[str, Any]:
        return {
            "name": schedule.name,
            "timeZone": schedule.zone.key,
            "onCall": list(schedule.on_call(now)),
            "shifts": [_shift(shift) for shift in schedule.shifts(now, now + _SOON)],
            "feed": feed_path(self._links, schedule.name),
        }

    async def feed(self, request: web.Request) -> web.Response:
        """Give the calendar; 403 without the schedule's token, whether or not there is such a schedule."""
        name = request.match_info["name"]
        if not self._links.is_feed_token(name, request.query.get("token", "")):
            return problem(403, "the feed's address has a token; GET /api/v1/schedules tells it")
        directory = self._pipeline.engine.posting.directory
        schedule = directory.schedules.get(name)
        if schedule is None:
            return problem(404, f"there is no schedule {name!r}")
        now = self._pipeline.clock.now()
        # From midnight, so that the first event's begin stays the same all day.
        begin = (now - _BACK) // _DAY * _DAY
        titles = {contact.name: contact.title or contact.name for contact in directory.contacts.values()}
        text = calendar(name, schedule.shifts(begin, now + _AHEAD), titles, now=now)
        return web.Response(text=text, content_type="text/calendar", charset="utf-8")


def feed_path(links: Links, schedule: str) -> str:
    """Return the address of a schedule's calendar feed, less the host."""
    return f"/api/v1/schedules/{quote(schedule, safe='')}.ics?token={links.feed_token(schedule)}"


def _shift(shift: Shift) -> dict[str, Any]:
    return {"startsAt": rfc3339(shift.begin), "endsAt": rfc3339(shift.end), "people": list(shift.people)}
