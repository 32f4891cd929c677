"""Keys of the modules, one by one, on real servers: what is sent, and what an answer must be like."""

import asyncio
import struct
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from tests.integration.collector.apps import ok, serving
from tests.integration.collector.certs import make
from tests.integration.collector.conftest import Running, Start
from tests.integration.collector.line_servers import NameServer, talking


async def long(_request: web.Request) -> web.Response:
    return web.Response(
        text="x" * 400_000 + "the end", headers={"X-Kind": "long", "Last-Modified": "Thu, 01 Jan 1970 00:01:00 GMT"}
    )


async def zipped(_request: web.Request) -> web.Response:
    response = web.Response(text="all is well " * 200)
    response.enable_compression(web.ContentCoding.gzip)
    return response


async def one(start: Start, kind: str, target: dict[str, Any], **settings: Any) -> dict[str, float]:
    """One target's samples, without the target's label."""
    running: Running = await start({kind: [{"name": "t", **target}]}, **settings)
    found = await running.samples(f"/metrics/{kind}", scrape=8)
    return {name.replace('target="t",', "").replace('{target="t"}', ""): value for name, value in found.items()}


def reason(found: dict[str, float]) -> str:
    names = [name for name in found if name.startswith("probe_failed_reason")]
    return names[0].partition('"')[2].rstrip('"}') if names else ""


@pytest.mark.parametrize(
    ("path", "module", "expected"),
    [
        ("/long", {"fail_if_body_not_matches_regexp": ["the end$"]}, ""),
        ("/long", {"fail_if_body_matches_regexp": ["the end$"]}, "body"),
        ("/long", {"body_size_limit": "100KB"}, "too_large"),
        ("/long", {"valid_http_versions": ["HTTP/1.1"]}, ""),
        ("/long", {"valid_http_versions": ["HTTP/1.0"]}, "protocol"),
        ("/long", {"fail_if_not_ssl": True}, "tls"),
        ("/long", {"fail_if_ssl": True}, ""),
        ("/long", {"fail_if_header_matches": [{"header": "x-kind", "regexp": "long"}]}, "header"),
        ("/long", {"fail_if_header_matches": [{"header": "x-kind", "regexp": "short"}]}, ""),
        ("/long", {"fail_if_header_matches": [{"header": "x-gone", "regexp": "."}]}, "header"),
        ("/long", {"fail_if_header_not_matches": [{"header": "x-kind", "regexp": "short"}]}, "header"),
        ("/long", {"fail_if_header_not_matches": [{"header": "x-gone", "regexp": ".", "allow_missing": True}]}, ""),
        ("/zipped", {"compression": "gzip", "fail_if_body_not_matches_regexp": ["all is well"]}, ""),
        ("/zipped", {"fail_if_body_not_matches_regexp": ["all is well"]}, "body"),
        ("/long", {"compression": "gzip"}, "body"),
        ("/zipped", {"compression": "deflate"}, "body"),
    ],
)
async def test_answers_are_judged(start: Start, path: str, module: dict[str, Any], expected: str) -> None:
    async with serving({"/long": long, "/zipped": zipped}) as port:
        found = await one(start, "http", {"url": f"http://127.0.0.1:{port}{path}", "module": module})
    assert reason(found) == expected
    assert found["probe_success"] == (expected == "")
    if path == "/long":
        assert found["probe_http_last_modified_timestamp_seconds"] == 60


async def test_what_is_sent(start: Start, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("word\n")
    seen: list[tuple[str, dict[str, str], str]] = []

    async def note(request: web.Request) -> web.Response:
        seen.append((request.method, dict(request.headers), await request.text()))
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/", note)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    module = {
        "method": "POST", "body": '{"a": 1}', "headers": {"Host": "shop.example", "Content-Type": "application/json"},
        "basic_auth": {"username": "u", "password_file": "password"},
        "http_headers": {"X-More": {"values": ["1", "2"]}},
    }  # fmt: skip
    try:
        found = await one(start, "http", {"url": f"http://127.0.0.1:{runner.addresses[0][1]}/", "module": module})
    finally:
        await runner.cleanup()
    assert found["probe_success"] == 1
    ((method, headers, body),) = seen
    assert (method, body, headers["Host"]) == ("POST", '{"a": 1}', "shop.example")
    assert headers["Authorization"] == "Basic dTp3b3Jk"
    assert headers["Content-Type"] == "application/json"
    assert "Accept-Encoding" not in headers


async def test_a_proxy_is_asked(start: Start) -> None:
    asked = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode().strip())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()

    async with talking(proxy) as port:
        module = {"proxy_url": f"http://127.0.0.1:{port}", "proxy_connect_header": {"X-A": ["b"]}}
        found = await one(start, "http", {"url": "http://shop.invalid/x", "module": module})
    assert found["probe_success"] == 1
    assert asked == ["GET http://shop.invalid/x HTTP/1.1"]


async def test_a_redirect_to_nonsense(start: Start) -> None:
    async def lost(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://[broken"})

    async with serving({"/": lost}) as port:
        found = await one(start, "http", {"url": f"http://127.0.0.1:{port}/"})
    assert reason(found) == "redirect"


async def test_dns_over_tls_and_over_broken_servers(start: Start, tmp_path: Path) -> None:
    made = make("ns", hosts=("127.0.0.1",))
    made.write(tmp_path, "ns")
    names = NameServer({("shop.example.", "A"): ["10.0.0.1"]})

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        body = names.answer(await reader.readexactly(size))
        writer.write(struct.pack("!H", len(body)) + body)
        await writer.drain()
        await reader.read()

    async def close(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)

    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        writer.write(b"\0\5hello")
        await writer.drain()
        await reader.read()

    query = {"query_name": "shop.example", "query_type": "A", "transport_protocol": "tcp"}
    secure = {**query, "dns_over_tls": True}
    async with AsyncExitStack() as stack:
        private = await stack.enter_async_context(talking(answer, tls=made.server(tmp_path, "ns")))
        closing = await stack.enter_async_context(talking(close))
        broken = await stack.enter_async_context(talking(garbage))
        running = await start({"dns": [
            {"name": "trusted", "server": f"127.0.0.1:{private}",
             "module": {**secure, "tls_config": {"ca_file": str(tmp_path / "ns.pem")}}},
            {"name": "strange", "server": f"127.0.0.1:{private}", "module": secure},
            {"name": "closing", "server": f"127.0.0.1:{closing}", "module": query},
            {"name": "broken", "server": f"127.0.0.1:{broken}", "module": query},
            {"name": "refused", "server": "127.0.0.1:1", "module": query},
        ]})  # fmt: skip
        found = await running.samples("/metrics/dns", scrape=8)
    assert found['probe_success{target="trusted"}'] == 1
    assert found['probe_dns_duration_seconds{target="trusted",phase="connect"}'] > 0
    assert found['probe_ssl_earliest_cert_expiry{target="trusted"}'] > 0
    for name, why in {"strange": "tls", "closing": "closed", "broken": "protocol", "refused": "refused"}.items():
        assert found.get(f'probe_failed_reason{{target="{name}",reason="{why}"}}') == 1, name
        assert found[f'probe_dns_query_succeeded{{target="{name}"}}'] == 0
    assert found['probe_tls_certificate_refused{target="strange",reason="self_signed"}'] == 1


async def test_websocket_headers_binary_messages_and_a_server_that_pings(start: Start) -> None:
    seen = []

    async def talk(request: web.Request) -> web.WebSocketResponse:
        seen.append((request.headers.getall("X-A"), request.headers["Authorization"], request.headers["X-B"]))
        socket = web.WebSocketResponse(protocols=("shop.v2",), autoping=False)
        await socket.prepare(request)
        await socket.ping(b"are you there")
        async for message in socket:
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                seen.append(message.data)
            elif message.type is WSMsgType.TEXT:
                await socket.send_bytes(b"bin" + message.data.encode())
        return socket

    async with serving({"/ws": talk, "/plain": ok}) as port:
        target = {
            "url": f"ws://127.0.0.1:{port}/ws", "ping_message": "ary", "expect": "^binary$",
            "subprotocols": ["shop.v2"],
            "http_config": {"bearer_token": "t", "headers": {"X-A": ["1", "2"], "X-B": "3"}},
        }  # fmt: skip
        found = await one(start, "websocket", target)
    assert found["probe_success"] == 1
    assert seen[0] == (["1", "2"], "Bearer t", "3")
    assert b"are you there" in seen


async def test_own_certificates_may_be_given_by_value(start: Start, tmp_path: Path) -> None:
    made = make("server")
    cert, key = made.write(tmp_path, "server")
    context = made.server(tmp_path, "server")
    async with serving({"/": ok}, tls=context) as port:
        tls = {"ca": cert.read_text(), "cert": cert.read_text(), "key": key.read_text()}
        found = await one(start, "http", {"url": f"https://127.0.0.1:{port}/", "module": {"tls_config": tls}})
    assert found["probe_success"] == 1


async def test_a_ping_with_every_key(start: Start) -> None:
    module = {"dont_fragment": True, "ttl": 3, "payload_size": 0, "source_ip_address": "127.0.0.1"}
    found = await one(start, "icmp", {"host": "127.0.0.1", "module": module})
    assert reason(found) in {"", "permission"}
    found = await one(start, "icmp", {"host": "[::1]"})
    assert reason(found) in {"", "permission", "error", "timeout"}
