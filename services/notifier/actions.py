"""What people asked for, onto the stream."""

import structlog

from services.common.bus import Bus, BusUnavailableError
from services.common.events import ACTIONS_STREAM, ActionEvent
from services.notifier.pipeline import Pipeline

KEEP_ACTIONS = 7 * 86_400.0
log = structlog.get_logger(__name__)


class Actions:
    """Puts what people asked for on the stream, so that the lasting record has it; past it while Redis is away."""

    def __init__(self, pipeline: Pipeline, bus: Bus | None) -> None:
        self._pipeline, self._bus = pipeline, bus

    async def publish(self, *actions: ActionEvent) -> None:
        """Pass actions on; raises StandbyError when this copy may not act by itself."""
        if self._bus is not None:
            try:
                await self._bus.publish(ACTIONS_STREAM, [one.encode() for one in actions], keep_seconds=KEEP_ACTIONS)
            except BusUnavailableError:
                log.warning("actions_away", kinds=sorted({one.kind for one in actions}), count=len(actions))
            else:
                return

        def act(now: float) -> None:
            for action in actions:
                self._pipeline.engine.act(action, now)

        await self._pipeline.step(act)
