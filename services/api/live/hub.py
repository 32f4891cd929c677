"""One stream of changes for all open pages: made once, sent to each."""

import asyncio
import contextlib
import secrets
from typing import Any, TypeAlias

import structlog
from aiohttp import web

from services.api.alerts.view import AlertView
from services.api.auth.authenticator import Authenticator
from services.api.auth.identity import Identity
from services.api.live.missed import Missed
from services.api.live.model import AlertChanges, LiveChanges, LivePing, LiveQuery, LiveSnapshot
from services.api.metrics import ApiMetrics
from services.api.overview.model import Health, Realtime
from services.api.overview.state import OverviewState
from services.common.clock import Clock

BATCH_SECONDS = 0.5
LOOK_SECONDS = 0.1
PING_SECONDS = 15.0
SESSION_CHECK_SECONDS = 10.0
_ROUNDING = 1e-6
QUEUE = 64
"""Messages that a client may be behind: at two a second at least half a minute."""
SESSION_ENDED, SLOW_CLIENT, GOING_AWAY = 4401, 4408, 1001
_CLOSE_SECONDS = 2.0
_PARTS = ("since", "health", "metrics", "alerts")
_PING = LivePing().model_dump_json()
_Ending: TypeAlias = tuple[int, str]
log = structlog.get_logger(__name__)


class LiveClient:
    """One connection's queue; it is ended, never waited for, when it can't keep up."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.ending: asyncio.Future[_Ending] = asyncio.get_running_loop().create_future()
        self.queue: asyncio.Queue[str] = asyncio.Queue(QUEUE)

    def offer(self, message: str) -> None:
        """Queue a message, or end the connection when the queue is full."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.end(SLOW_CLIENT, "slow client")

    def end(self, code: int, reason: str) -> None:
        """Ask for the connection's end, once."""
        if not self.ending.done():
            self.ending.set_result((code, reason))


class LiveHub:
    """Compares the state with what was last sent, and sends what differs."""

    def __init__(
        self, view: AlertView, overview: OverviewState, clock: Clock, metrics: ApiMetrics, *, epoch: str = ""
    ) -> None:
        self._view, self._overview, self._clock, self._metrics = view, overview, clock, metrics
        self._clients: set[LiveClient] = set()
        self._seq = 0
        self._looked_at: tuple[int, int, bool] | None = None
        self._sent_at = float("-inf")
        self._health: Health | None = None
        self._realtime: Realtime | None = None
        self._alerts = {alert.id: alert for alert in view.firing()}
        self._epoch = epoch or secrets.token_urlsafe(8)
        self._missed = Missed()
        self._starts: dict[int | None, str] = {}

    @property
    def clients(self) -> int:
        """How many connections are open."""
        return len(self._clients)

    async def batch_round(self) -> None:
        """Look whether something changed: after a quiet time it is sent at once, else half a second after the last."""
        await self._clock.sleep(LOOK_SECONDS)
        if self._clock.monotonic() >= self._sent_at + BATCH_SECONDS - _ROUNDING:
            self.send_changes()

    async def ping_round(self) -> None:
        """Wait, then show every client that the connection lives."""
        await self._clock.sleep(PING_SECONDS)
        for client in self._clients:
            client.offer(_PING)

    async def session_round(self, authenticator: Authenticator) -> None:
        """Wait, then end the connections whose session ended, expired or lost its user."""
        await self._clock.sleep(SESSION_CHECK_SECONDS)
        for identity in {client.identity for client in self._clients}:
            if not await authenticator.still_valid(identity):
                self.end_session(identity.key)

    def end_session(self, key: bytes) -> None:
        """End a session's or token's connections now."""
        for client in self._clients:
            if client.identity.key == key:
                client.end(SESSION_ENDED, "session ended")

    def end_user(self, username: str, *, but: bytes = b"") -> None:
        """End a login's connections now, except those of the session `but`."""
        for client in self._clients:
            if client.identity.username == username and client.identity.key != but:
                client.end(SESSION_ENDED, "session ended")

    def shut_down(self) -> None:
        """End all connections: the pages connect again, to another copy or after the restart."""
        for client in self._clients:
            client.end(GOING_AWAY, "server stops")

    def send_changes(self) -> None:
        """Send what changed since the last message, if anything."""
        now = self._clock.now()
        looked_at = (self._view.version, self._overview.version, self._overview.reachable(now))
        if looked_at == self._looked_at:
            return
        self._looked_at = looked_at
        health, realtime = self._overview.health(now), self._overview.realtime(now)
        message = self._difference(now, health, realtime)
        self._health, self._realtime = health, realtime
        self._alerts = {alert.id: alert for alert in self._view.firing()}
        if message is None:
            return
        self._seq = message.seq
        if message.metrics is not None or message.alerts is not None:
            # A heartbeat, every 2 s, need not hold up a value that comes after it.
            self._sent_at = self._clock.monotonic()
        self._missed.note(message)
        self._starts.clear()
        if self._clients:
            text = _written(message)
            for client in self._clients:
                client.offer(text)

    def _difference(self, now: float, health: Health, realtime: Realtime) -> LiveChanges | None:
        alerts = {alert.id: alert for alert in self._view.firing()}
        upsert = [alert for alert in alerts.values() if self._alerts.get(alert.id) != alert]
        remove = [alert_id for alert_id in self._alerts if alert_id not in alerts]
        # That time went on is no change.
        same_health = self._health is not None and health.model_copy(update={"at": self._health.at}) == self._health
        same_metrics = self._realtime is not None and realtime.panels == self._realtime.panels
        if same_health and same_metrics and not upsert and not remove:
            return None
        return LiveChanges(
            seq=self._seq + 1,
            type="changes",
            at=now,
            health=None if same_health else health,
            metrics=None if same_metrics else realtime,
            alerts=AlertChanges(upsert=upsert, remove=remove) if upsert or remove else None,
        )

    def start(self, query: LiveQuery) -> tuple[str, str]:
        """Return the first message of a connection, and by what it starts: "resumed" or "snapshot".

        It tells everything as of the last change that was sent, or what changed since the client's last message.
        """
        if self._health is None or self._realtime is None:
            self.send_changes()
        since = query.since if query.epoch == self._epoch and self._missed.reaches(query.since, self._seq) else None
        if since not in self._starts:
            # Many come back at once, with the same count: each start is written once.
            self._starts[since] = self._snapshot() if since is None else _written(self._catch_up(since))
        return self._starts[since], "snapshot" if since is None else "resumed"

    def _snapshot(self) -> str:
        if self._health is None or self._realtime is None:
            return ""
        return LiveSnapshot(
            seq=self._seq,
            epoch=self._epoch,
            at=self._clock.now(),
            health=self._health,
            metrics=self._realtime,
            alerts=list(self._alerts.values()),
        ).model_dump_json()

    def _catch_up(self, since: int) -> LiveChanges:
        changed = self._missed.since(since)
        upsert = [self._alerts[alert_id] for alert_id in changed.alerts if alert_id in self._alerts]
        remove = [alert_id for alert_id in changed.alerts if alert_id not in self._alerts]
        return LiveChanges(
            seq=self._seq,
            since=since,
            type="changes",
            at=self._clock.now(),
            health=self._health if changed.health else None,
            metrics=self._realtime if changed.metrics else None,
            alerts=AlertChanges(upsert=upsert, remove=remove) if changed.alerts else None,
        )

    async def serve(self, request: web.Request, identity: Identity, query: LiveQuery) -> web.WebSocketResponse:
        """Carry one connection until either side ends it."""
        socket = web.WebSocketResponse(max_msg_size=4096, timeout=_CLOSE_SECONDS)
        await socket.prepare(request)
        client = LiveClient(identity)
        first, start = self.start(query)
        client.offer(first)
        self._clients.add(client)
        self._metrics.opened.labels(start).inc()
        self._metrics.clients.set(len(self._clients))
        tasks = [asyncio.create_task(work) for work in (_send(socket, client), _drain(socket))]
        ends: list[asyncio.Future[Any]] = [*tasks, client.ending]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._clients.discard(client)
            self._metrics.clients.set(len(self._clients))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if client.ending.done():
            await self._close(request, socket, *client.ending.result())
        return socket

    async def _close(self, request: web.Request, socket: web.WebSocketResponse, code: int, reason: str) -> None:
        self._metrics.dropped.labels(reason.replace(" ", "_")).inc()
        log.info("live_client_ended", code=code, reason=reason)
        try:
            await asyncio.wait_for(socket.close(code=code, message=reason.encode()), _CLOSE_SECONDS)
        except TimeoutError:
            # Its buffers are full, so the closing frame never gets through.
            if request.transport is not None:
                request.transport.abort()


def _written(message: LiveChanges) -> str:
    absent = {part for part in _PARTS if getattr(message, part) is None}
    return message.model_dump_json(exclude=absent)


async def _send(socket: web.WebSocketResponse, client: LiveClient) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await socket.send_str(await client.queue.get())


async def _drain(socket: web.WebSocketResponse) -> None:
    # The page says nothing; reading answers pings and notices the other side's end.
    async for _ in socket:
        pass
