"""`/hooks/<channel>/<receiver>/<what>`: where providers call us; their signature is the authentication."""

import structlog
from aiohttp import web

from services.common.events import ActionEvent
from services.notifier.actions import Actions
from services.notifier.channels import CHANNELS
from services.notifier.channels.kit.inbound import Call, CallAnswer, CallRefusedError, Inbound, Receipt
from services.notifier.channels.kit.memory import Memory
from services.notifier.channels.kit.receipts import receipt_key
from services.notifier.channels.kit.tickets import KEEP
from services.notifier.pipeline import Pipeline, StandbyError
from services.notifier.receipt_inbox import ReceiptInbox

_MAX_BODY = 64 * 1024
_PATH = "/hooks/{channel}/{receiver}/{what}"
_KEYS = frozenset(channel.key for channel in CHANNELS)
log = structlog.get_logger(__name__)


class Hooks:
    """Finds the integration that a call is for, and passes on what follows from a call that it believes."""

    def __init__(
        self, pipeline: Pipeline, actions: Actions, memory: Memory, inbox: ReceiptInbox, *, external_url: str
    ) -> None:
        self._pipeline, self._actions, self._memory, self._inbox = pipeline, actions, memory, inbox
        self._external_url = external_url.rstrip("/")

    def add_routes(self, app: web.Application) -> None:
        """Serve the hooks."""
        app.router.add_get(_PATH, self.handle, allow_head=False)
        app.router.add_post(_PATH, self.handle)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call."""
        channel = request.match_info["channel"]
        if channel not in _KEYS:
            raise web.HTTPNotFound
        try:
            answer = await self._receive(request, channel)
            await self._follow(answer)
        except CallRefusedError as error:
            self._pipeline.metrics.hooks.labels(channel, error.reason).inc()
            log.warning("hook_refused", channel=channel, reason=error.reason)
            return web.Response(status=error.status, text="refused\n")
        self._pipeline.metrics.hooks.labels(channel, "done").inc()
        return web.Response(text=answer.text, content_type=answer.content_type, charset="utf-8")

    async def _receive(self, request: web.Request, channel: str) -> CallAnswer:
        if (request.content_length or 0) > _MAX_BODY:
            raise CallRefusedError("too_large", 413)
        body = await request.content.read(_MAX_BODY + 1)
        while len(body) <= _MAX_BODY and (more := await request.content.read(_MAX_BODY + 1 - len(body))):
            body += more
        if len(body) > _MAX_BODY:
            raise CallRefusedError("too_large", 413)
        call = Call(
            what=request.match_info["what"],
            url=self._external_url + request.raw_path,
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            at=self._pipeline.clock.now(),
        )
        refusal = CallRefusedError("unknown_receiver", 404)
        for integration in self._integrations(channel, request.match_info["receiver"]):
            try:
                return await integration.receive(call)
            except CallRefusedError as error:
                # Another of the receiver's integrations may hold the key that it was signed with.
                refusal = error
        raise refusal

    def _integrations(self, channel: str, receiver: str) -> list[Inbound]:
        generations = (self._pipeline.generation, *reversed(self._pipeline.former))
        return [
            integration
            for generation in generations
            for (name, kind), integration in generation.integrations.items()
            if name == receiver and kind.partition("/")[0] == channel and isinstance(integration, Inbound)
        ]

    async def _follow(self, answer: CallAnswer) -> None:
        if answer.actions:
            await self._publish(answer.actions)
        if answer.receipt is not None:
            await self._keep(answer.receipt)

    async def _publish(self, actions: tuple[ActionEvent, ...]) -> None:
        for action in actions:
            log.info("acknowledged_by_reply", alert_id=action.alert_id, by=action.by, how=action.comment)
        try:
            await self._actions.publish(*actions)
        except StandbyError as error:
            raise CallRefusedError("standing_by", 503) from error

    async def _keep(self, receipt: Receipt) -> None:
        known = await self._memory.get(receipt_key(receipt.provider_id))
        if known is None:
            return
        at = self._pipeline.clock.now()
        seen = {**known, "receipt": {"status": receipt.status, "detail": receipt.detail, "at": at}}
        await self._memory.put(receipt_key(receipt.provider_id), seen, KEEP)
        if not await self._inbox.take(known["message"], receipt):
            raise CallRefusedError("standing_by", 503)
