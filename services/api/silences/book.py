"""Makes and ends silences by way of the stream, and asks the notifier what there is."""

import uuid
from collections.abc import Sequence

from services.api.actions import publish_action
from services.api.alerts.model import Alert
from services.api.alerts.view import AlertView
from services.api.metrics import ApiMetrics
from services.api.notifier import NotifierClient, NotifierError, ReadSilence
from services.api.problem import ProblemError
from services.api.silences.matching import Matcher, Operator, covers
from services.api.silences.model import Silence, SilenceBody
from services.api.silences.preview import hidden
from services.common.bus import Bus
from services.common.clock import Clock
from services.common.events import ActionEvent, SilenceMatcher, SilenceRequest

CONFIRM_SECONDS = 2.0
"""How long an answer waits for the notifier to have taken the silence."""
_ASK_EVERY = 0.05
_OPERATORS: dict[tuple[bool, bool], Operator] = {
    (False, True): "=",
    (False, False): "!=",
    (True, True): "=~",
    (True, False): "!~",
}
_WRITTEN = {op: flags for flags, op in _OPERATORS.items()}


class SilenceBook:
    """The notifier keeps the silences; this knows how to ask for one and to show them."""

    def __init__(self, notifier: NotifierClient, view: AlertView, bus: Bus, clock: Clock, metrics: ApiMetrics) -> None:
        self._notifier, self._view, self._bus, self._clock, self._metrics = notifier, view, bus, clock, metrics

    async def all(self) -> list[Silence]:
        """Return the silences that the notifier keeps; raises ProblemError 503."""
        try:
            found = await self._notifier.silences()
        except NotifierError as error:
            raise _away(error) from error
        firing = self._view.firing()
        return [_shown(one, firing) for one in found]

    async def make(self, body: SilenceBody, by: str) -> Silence:
        """Ask for a silence, and wait a moment for the notifier to have it; raises ProblemError 400 or 503."""
        if covers(body.matchers, {}):
            raise ProblemError(
                400,
                "silences-everything",
                "Every matcher also fits a label that is missing, so this would silence everything.",
                "Add a matcher that asks for a value.",
            )
        now = self._clock.now()
        starts_at = max(now, body.starts_at or now)
        request = SilenceRequest(
            matchers=tuple(_written(one) for one in body.matchers),
            starts_at=starts_at,
            ends_at=starts_at + body.duration_seconds,
            created_by=by,
            comment=body.comment,
        )
        action = ActionEvent(
            action_id=str(uuid.uuid4()), kind="silence", at=now, by=by, silence=request, silence_id=str(uuid.uuid4())
        )
        await publish_action(self._bus, self._metrics, action, what="The silence")
        kept = await self._confirmed(action.silence_id, expired=False)
        return _shown(kept, self._view.firing()) if kept else self._asked(action, request)

    async def expire(self, silence_id: str, by: str) -> Silence:
        """End a silence; one that is over stays as it is. Raises ProblemError 404 or 503."""
        try:
            known = await self._notifier.silence(silence_id)
        except NotifierError as error:
            raise _away(error) from error
        if known is None:
            raise ProblemError(404, "unknown-silence", "There is no such silence.", "Take an id from GET silences.")
        if known.status.state == "expired":
            return _shown(known, self._view.firing())
        action = ActionEvent(
            action_id=str(uuid.uuid4()), kind="expire_silence", at=self._clock.now(), by=by, silence_id=silence_id
        )
        await publish_action(self._bus, self._metrics, action, what="The end of the silence")
        kept = await self._confirmed(silence_id, expired=True)
        shown = _shown(kept or known, self._view.firing())
        return shown if kept else shown.model_copy(update={"confirmed": False})

    async def _confirmed(self, silence_id: str, *, expired: bool) -> ReadSilence | None:
        until = self._clock.monotonic() + CONFIRM_SECONDS
        while True:
            try:
                found = await self._notifier.silence(silence_id)
            except NotifierError:
                # It is on the stream: the notifier takes it when it is back.
                return None
            if found is not None and (found.status.state == "expired") == expired:
                return found
            if self._clock.monotonic() >= until:
                return None
            await self._clock.sleep(_ASK_EVERY)

    def _asked(self, action: ActionEvent, request: SilenceRequest) -> Silence:
        matchers = [Matcher(name=one.name, op=_OPERATORS[one.is_regex, one.is_equal], value=one.value)
                    for one in request.matchers]  # fmt: skip
        return Silence(
            id=action.silence_id,
            state="pending",
            matchers=matchers,
            starts_at=request.starts_at,
            ends_at=request.ends_at,
            created_by=request.created_by,
            comment=request.comment,
            updated_at=action.at,
            hides=[one.id for one in hidden(matchers, self._view.firing())],
            confirmed=False,
        )


def _written(one: Matcher) -> SilenceMatcher:
    is_regex, is_equal = _WRITTEN[one.op]
    return SilenceMatcher(name=one.name, value=one.value, is_regex=is_regex, is_equal=is_equal)


def _shown(one: ReadSilence, firing: Sequence[Alert]) -> Silence:
    # Built without checks: what the notifier took is shown even where the form here would refuse it.
    matchers = [
        Matcher.model_construct(name=each.name, op=_OPERATORS[each.is_regex, each.is_equal], value=each.value)
        for each in one.matchers
    ]
    over = one.status.state == "expired"
    return Silence(
        id=one.silence_id,
        state=one.status.state,
        matchers=matchers,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        created_by=one.created_by,
        comment=one.comment,
        updated_at=one.updated_at,
        hides=[] if over else [alert.id for alert in hidden(matchers, firing)],
        confirmed=True,
    )


def _away(error: NotifierError) -> ProblemError:
    return ProblemError(
        503,
        "notifier-away",
        f"The silences are not known: {error}.",
        "Look whether the notifier runs (tocsin up, or its /-/ready), and whether notifier_url is right.",
        headers={"Retry-After": "5"},
    )
