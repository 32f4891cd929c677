"""Publishing what people do, so that the notifier hears of it whatever else is away."""

from services.api.metrics import ApiMetrics
from services.api.problem import ProblemError
from services.common.bus import Bus, BusUnavailableError
from services.common.events import ACTIONS_STREAM, ActionEvent

KEEP_SECONDS = 7 * 86_400.0


async def publish_action(bus: Bus, metrics: ApiMetrics, *actions: ActionEvent, what: str) -> None:
    """Put actions on the stream; raises ProblemError 503 saying that `what` was not taken."""
    try:
        await bus.publish(ACTIONS_STREAM, [action.encode() for action in actions], keep_seconds=KEEP_SECONDS)
    except BusUnavailableError as error:
        for action in actions:
            metrics.actions.labels(action.kind, "not_published").inc()
        raise ProblemError(
            503,
            "streams-away",
            f"{what} was not taken: Redis can't be reached, so the notifier would not hear of it.",
            "Try again when Redis is back; until then all goes on as before.",
            headers={"Retry-After": "5"},
        ) from error
    for action in actions:
        metrics.actions.labels(action.kind, "published").inc()
