"""Runs the inbox and the outside services in one process."""

import asyncio
from contextlib import AsyncExitStack

from aiosmtpd.smtp import SMTP
from redis.asyncio import Redis

from demo.config import DemoSettings
from demo.faults import FaultWatch
from demo.world.gateway import gateway_app
from demo.world.inbox import Inbox, inbox_app
from services.common.clock import SystemClock
from services.common.config import split_listen
from services.common.web import serve


async def run(settings: DemoSettings) -> None:
    """Run until cancelled; raises PortTakenError that names the setting."""
    clock, config = SystemClock(), settings.config
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(Redis.from_url(settings.redis_url, socket_timeout=2))
        faults = FaultWatch(redis, clock)
        watch = asyncio.create_task(faults.run())
        stack.callback(watch.cancel)
        inbox = Inbox(clock)
        smtp_host, smtp_port = split_listen(config.smtp_listen)
        loop = asyncio.get_running_loop()
        smtp = await loop.create_server(lambda: SMTP(inbox, enable_SMTPUTF8=True), smtp_host, smtp_port)
        stack.callback(smtp.close)
        await serve(stack, inbox_app(inbox), config.inbox_listen, setting="demo.inbox_listen")
        await serve(stack, gateway_app(faults, clock), config.gateway_listen, setting="demo.gateway_listen")
        await asyncio.Event().wait()
