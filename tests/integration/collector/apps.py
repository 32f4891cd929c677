"""Servers of our own for HTTP and WebSocket checks."""

import asyncio
import gzip
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import WSMsgType, web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(routes: dict[str, Handler], tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    app = web.Application()
    for path, handler in routes.items():
        app.router.add_get(path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """A server that takes connections and never says a word."""
    writers = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read()
        writers.remove(writer)
        writer.close()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()


async def ok(_request: web.Request) -> web.Response:
    return web.Response(text="all is well")


async def broken(_request: web.Request) -> web.Response:
    return web.Response(status=503)


async def huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    chunk = b"x" * 1024**2
    for _ in range(1024):
        await response.write(chunk)
    return response


async def bomb(_request: web.Request) -> web.Response:
    return web.Response(body=gzip.compress(b"x" * 64 * 1024**2), headers={"Content-Encoding": "gzip"})


async def never(_request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def feed(request: web.Request) -> web.WebSocketResponse:
    """Sends a message of its own before each answer, as a feed does."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT and message.data == "ping":
            await socket.send_str('{"order": 1}')
            await socket.send_str("pong")
    return socket


async def deaf(request: web.Request) -> web.WebSocketResponse:
    """Upgrades, and never answers again, not even a close frame."""
    socket = web.WebSocketResponse(autoping=False, autoclose=False)
    await socket.prepare(request)
    await asyncio.Event().wait()
    return socket


async def closing(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.receive()
    await socket.close(code=1011)
    return socket


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context and the certificate that a client must trust, for 127.0.0.1."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "30",
            "-keyout", key, "-out", cert, "-subj", "/CN=localhost",
            "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert
