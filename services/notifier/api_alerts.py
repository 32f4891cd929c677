"""API v2: posting and listing alerts, by themselves and in their groups."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import re2
from aiohttp import web
from pydantic import ValidationError

from services.notifier.alerts import AlertRecord
from services.notifier.api_answers import answer, asked_flag, asked_matchers, first_mistake, fits, problem
from services.notifier.data import rfc3339
from services.notifier.matchers import Matcher
from services.notifier.pipeline import Pipeline, StandbyError
from services.notifier.posted import PostedAlert, to_report


@dataclass(frozen=True)
class _Query:
    """What a list of alerts is asked for."""

    matchers: list[Matcher]
    receiver: Any
    active: bool
    silenced: bool
    inhibited: bool

    def takes(self, alert: dict[str, Any]) -> bool:
        """Tell whether an alert is wanted, by its status."""
        status = alert["status"]
        if status["silencedBy"] and not self.silenced:
            return False
        if status["inhibitedBy"] and not self.inhibited:
            return False
        return self.active or status["state"] != "active"


def _query(request: web.Request) -> _Query:
    asked_flag(request, "unprocessed")  # None ever is: an alert's state is worked out when it is asked for.
    return _Query(
        asked_matchers(request),
        re2.compile(f"^(?:{request.query.get('receiver', '.*')})$"),
        active=asked_flag(request, "active"),
        silenced=asked_flag(request, "silenced"),
        inhibited=asked_flag(request, "inhibited"),
    )


class AlertsApi:
    """Handlers over one pipeline; `heard` is called when our own evaluator posts."""

    def __init__(self, pipeline: Pipeline, heard: Callable[[], None]) -> None:
        self._pipeline, self._heard = pipeline, heard

    async def post(self, request: web.Request) -> web.Response:
        """Take alerts in; those that are right are kept even when others are not. 503 where another copy works."""
        try:
            items = orjson.loads(await request.read())
        except orjson.JSONDecodeError as error:
            return problem(400, f"the body is not JSON: {error}")
        if not isinstance(items, list):
            return problem(400, "the body must be a list of alerts")
        posted, problems = _parse(items)

        def change(now: float) -> None:
            reports = []
            state, timeout = self._pipeline.state, self._pipeline.generation.config.global_.resolve_timeout
            for index, alert in posted:
                try:
                    reports.append(to_report(alert, now, resolve_timeout=timeout, newest=state.newest))
                except ValueError as error:
                    problems.append(f"{index}: {error}")
            self._pipeline.metrics.events.labels("post").inc(len(reports))
            self._pipeline.engine.apply(reports, now)

        try:
            await self._pipeline.step(change)
        except StandbyError as error:
            return problem(503, str(error))
        if any(alert.tocsin is not None for _, alert in posted):
            self._heard()
        return problem(400, "; ".join(problems)) if problems else answer({})

    async def listed(self, request: web.Request) -> web.Response:
        """List the alerts that fire, by `filter`, `receiver`, `active`, `silenced` and `inhibited`."""
        try:
            query = _query(request)
        except (ValueError, re2.error) as error:
            return problem(400, str(error))
        found = []
        for record in self._pipeline.state.alerts.values():
            if not record.firing or not fits(record.event.labels, query.matchers):
                continue
            receivers = list(dict.fromkeys(route.receiver for route in self._pipeline.engine.routes_of(record.event)))
            if any(query.receiver.fullmatch(name) for name in receivers):
                found.append(self._shown(record, receivers))
        return answer(sorted(filter(query.takes, found), key=_mark))

    async def groups(self, request: web.Request) -> web.Response:
        """List the groups that have alerts that fire, by the same questions."""
        try:
            query = _query(request)
        except (ValueError, re2.error) as error:
            return problem(400, str(error))
        found: list[dict[str, Any]] = []
        for group in self._pipeline.state.groups.values():
            if not query.receiver.fullmatch(group.receiver):
                continue
            alerts = self._members(group.core.members, group.receiver, query)
            if alerts:
                found.append({"alerts": alerts, "labels": group.labels, "receiver": {"name": group.receiver}})
        return answer(sorted(found, key=lambda one: (str(one["labels"]), one["receiver"]["name"])))

    def _members(self, members: Iterable[str], receiver: str, query: _Query) -> list[dict[str, Any]]:
        state = self._pipeline.state
        records = [state.alerts[key] for key in members if key in state.alerts]
        shown = [
            self._shown(record, [receiver])
            for record in records
            if record.firing and fits(record.event.labels, query.matchers)
        ]
        return sorted(filter(query.takes, shown), key=_mark)

    def _shown(self, record: AlertRecord, receivers: list[str]) -> dict[str, Any]:
        event, gate = record.event, self._pipeline.engine.gate
        silenced = [one.silence_id for one in gate.silenced_by(event, self._pipeline.clock.now())]
        inhibited = list(gate.inhibited_by(event))
        state = "suppressed" if silenced or inhibited else "active"
        return {
            "annotations": event.annotations,
            "endsAt": rfc3339(event.ends_at if event.ends_at is not None else event.sent_at),
            "fingerprint": event.fingerprint,
            "receivers": [{"name": name} for name in receivers],
            "startsAt": rfc3339(event.starts_at),
            "status": {"inhibitedBy": inhibited, "mutedBy": [], "silencedBy": silenced, "state": state},
            "updatedAt": rfc3339(record.updated_at),
            "generatorURL": event.generator_url,
            "labels": event.labels,
        }


def _mark(alert: dict[str, Any]) -> str:
    return str(alert["fingerprint"])


def _parse(items: list[object]) -> tuple[list[tuple[int, PostedAlert]], list[str]]:
    posted: list[tuple[int, PostedAlert]] = []
    problems: list[str] = []
    for index, item in enumerate(items):
        try:
            posted.append((index, PostedAlert.model_validate(item)))
        except ValidationError as error:
            problems.append(f"{index}: {first_mistake(error)}")
    return posted, problems
