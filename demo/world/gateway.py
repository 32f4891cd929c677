"""The outside services that the shop calls: payments and prices."""

import random

from aiohttp import web

from demo.faults import FaultWatch
from services.common.clock import Clock

_PRICE_SECONDS = 0.06
_DECLINED_SHARE = 0.02
_HANGS_SHARE = 0.1


def gateway_app(faults: FaultWatch, clock: Clock) -> web.Application:
    """Return the application with `/charge`, `/prices` and the provider's `/status`."""

    async def charge(request: web.Request) -> web.Response:
        await request.json()
        if faults.on("payments"):
            if random.random() < _HANGS_SHARE:
                await clock.sleep(10)
            raise web.HTTPServiceUnavailable(text="maintenance\n")
        if random.random() < _DECLINED_SHARE:
            return web.Response(status=402, text="declined\n")
        return web.json_response({"status": "charged"})

    async def prices(request: web.Request) -> web.Response:
        items = int(request.query["items"])
        if items == 1:
            # One item costs this service as much as a whole basket: a call is a look-up over a slow link.
            await clock.sleep(_PRICE_SECONDS)
        return web.json_response({"items": items})

    async def status(_request: web.Request) -> web.Response:
        if faults.on("payments"):
            raise web.HTTPServiceUnavailable(text="maintenance\n")
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.router.add_get("/status", status)
    app.router.add_post("/charge", charge)
    app.router.add_get("/prices", prices)
    return app
