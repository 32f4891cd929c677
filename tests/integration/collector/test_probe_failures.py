"""Probes of targets in trouble: answered in time, with the reason, and nothing left behind."""

import asyncio
import gc
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web

from tests.fixtures.waiting import in_time
from tests.integration.collector.apps import closing, deaf, feed, huge, never, ok, serving, silent
from tests.integration.collector.conftest import Start
from tests.integration.collector.line_servers import name_server, talking


async def loop_around(request: web.Request) -> web.Response:
    raise web.HTTPFound(request.path)


async def away(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/ok")


async def half_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes a request and closes its own side without an answer."""
    await reader.readline()
    writer.write_eof()
    await reader.read()


async def cut_short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    await writer.drain()


async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 3)
    await writer.drain()


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def many_lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"still not\r\n" * 4096)
        await writer.drain()


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b".")
        await asyncio.sleep(0.05)


async def test_http_in_trouble(start: Start) -> None:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(
            serving({"/loop": loop_around, "/away": away, "/ok": ok, "/huge": huge, "/drip": drip})
        )
        ports = {
            name: await stack.enter_async_context(talking(talk))
            for name, talk in {"half": half_closed, "short": cut_short, "nonsense": nonsense, "flood": flood}.items()
        }
        targets = [{"name": name, "url": f"http://127.0.0.1:{port}/"} for name, port in ports.items()]
        targets += [
            {"name": name, "url": f"http://127.0.0.1:{site}/{name}"} for name in ("loop", "away", "huge", "drip")
        ]
        targets.append(
            {"name": "stay", "url": f"http://127.0.0.1:{site}/away", "module": {"follow_redirects": False}}
        )  # fmt: skip
        running = await start({"http": targets})
        with in_time(5):
            found = await running.samples("/metrics/http", scrape=5)
    reasons = {
        "half": "closed", "short": "closed", "nonsense": "protocol", "flood": "protocol", "loop": "redirect",
        "huge": "too_large", "drip": "timeout", "stay": "status",
    }  # fmt: skip
    for name, reason in reasons.items():
        assert found[f'probe_success{{target="{name}"}}'] == 0, name
        assert found.get(f'probe_failed_reason{{target="{name}",reason="{reason}"}}') == 1, (name, [
            key for key in found if "reason" in key and f'"{name}"' in key
        ])  # fmt: skip
    assert found['probe_success{target="away"}'] == 1
    assert found['probe_http_redirects{target="away"}'] == 1
    assert found['probe_http_redirects{target="loop"}'] == 10
    assert found['probe_http_status_code{target="stay"}'] == 302
    assert found['probe_http_duration_seconds{target="drip",phase="transfer"}'] > 0.5


async def test_the_log_says_what_happened(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    async with serving({"/": loop_around}) as port:
        running = await start({"http": [
            {"name": "loop", "url": f"http://127.0.0.1:{port}/"}, {"name": "refused", "url": "http://127.0.0.1:1/"},
        ]})  # fmt: skip
        await running.get("/metrics/http")
    text = capsys.readouterr().out
    assert "TooManyRedirects" in text
    assert "Connect call failed" in text


async def test_tcp_dialogues(start: Start) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello 42\n")
        while line := await reader.readline():
            writer.write(b"you said " + line)

    async with AsyncExitStack() as stack:
        ports = {
            name: await stack.enter_async_context(talking(talk))
            for name, talk in {"greet": greet, "flood": flood, "lines": many_lines, "half": half_closed}.items()
        }
        mute = await stack.enter_async_context(silent())
        say = [
            {"expect": r"hello (?P<number>\d+)", "send": "${number} $1 $$", "labels": [{"name": "n", "value": "<$1>"}]}
        ]
        steps = {
            "greet": [*say, {"expect": r"^you said 42 42 \$$"}],
            "bytes": [{"expect_bytes": "hello"}],
            "other": [{"expect_bytes": "HELLO"}],
            "half": [{"send": "x"}, {"expect": "y"}],
            "flood": [{"expect": "y"}],
            "lines": [{"expect": "y"}],
            "mute": [{"expect": "y"}],
            "late": [*say, {"expect": "never"}],
        }
        where = {"bytes": "greet", "other": "greet", "late": "greet"}
        targets = [
            {
                "name": name,
                "address": f"127.0.0.1:{mute if name == 'mute' else ports[where.get(name, name)]}",
                "module": {"query_response": query},
            }
            for name, query in steps.items()
        ]
        targets.append({"name": "refused", "address": "127.0.0.1:1"})
        targets.append(
            {"name": "bound", "address": f"127.0.0.1:{ports['greet']}", "module": {"source_ip_address": "127.0.0.2"}}
        )
        running = await start({"tcp": targets})
        with in_time(4):
            found = await running.samples("/metrics/tcp", scrape=4)
    for name in ("greet", "bytes", "bound"):
        assert found[f'probe_success{{target="{name}"}}'] == 1, name
    assert found['probe_expect_info{target="greet",n="<42>"}'] == 1
    for name, reason in {
        "other": "body", "half": "closed", "flood": "too_large", "lines": "too_large", "mute": "timeout",
        "late": "timeout", "refused": "refused",
    }.items():  # fmt: skip
        assert found.get(f'probe_failed_reason{{target="{name}",reason="{reason}"}}') == 1, name
    assert found['probe_failed_due_to_bytes{target="other"}'] == 1
    assert found['probe_failed_due_to_regex{target="half"}'] == 1
    assert found['probe_tcp_duration_seconds{target="mute",phase="processing"}'] > 0.5


async def test_a_slow_name_server_is_told_apart_from_a_slow_target(start: Start) -> None:
    records = {("shop.example.", "A"): ["127.0.0.1"]}
    async with serving({"/": ok, "/never": never}) as port, name_server(records, delay=60) as slow:
        running = await start(
            {
                "http": [
                    {"name": "slow-name", "url": f"http://shop.example:{port}/"},
                    {"name": "slow-page", "url": f"http://127.0.0.1:{port}/never"},
                    {"name": "well", "url": f"http://127.0.0.1:{port}/"},
                ],
                "tcp": [{"name": "port", "address": f"shop.example:{port}"}],
                "websocket": [{"name": "feed", "url": f"ws://shop.example:{port}/ws"}],
                "dns": [
                    {"name": "server", "server": f"127.0.0.1:{slow.port}", "module": {"query_name": "shop.example"}}
                ],
            },
            probe={"dns_servers": [f"127.0.0.1:{slow.port}"]},
        )
        with in_time(4):
            found = await running.samples("/metrics", scrape=4)
        assert slow.asked > 0
    assert found['probe_success{target="well"}'] == 1
    for name, reason in {
        "slow-name": "dns", "port": "dns", "feed": "dns", "slow-page": "timeout", "server": "timeout",
    }.items():  # fmt: skip
        assert found.get(f'probe_failed_reason{{target="{name}",reason="{reason}"}}') == 1, name
    assert found['probe_dns_lookup_time_seconds{target="port"}'] > 0.5


async def test_names_come_from_the_servers_that_are_configured(start: Start) -> None:
    records = {("shop.example.", "A"): ["127.0.0.1"], ("six.example.", "AAAA"): ["::1"]}
    async with serving({"/": ok}) as port, name_server(records) as names:
        running = await start(
            {
                "http": [
                    {"name": "known", "url": f"http://shop.example:{port}/"},
                    {"name": "gone", "url": f"http://gone.example:{port}/"},
                    {"name": "hosts", "url": f"http://localhost:{port}/"},
                    {"name": "four", "url": f"http://six.example:{port}/",
                     "module": {"preferred_ip_protocol": "ip4", "ip_protocol_fallback": False}},
                ]
            },
            probe={"dns_servers": [f"127.0.0.1:{names.port}"]},
        )  # fmt: skip
        found = await running.samples("/metrics/http")
    assert found['probe_success{target="known"}'] == 1
    assert found['probe_ip_protocol{target="known"}'] == 4
    assert found['probe_http_duration_seconds{target="known",phase="resolve"}'] > 0
    assert found['probe_failed_reason{target="gone",reason="dns"}'] == 1
    assert found['probe_failed_reason{target="four",reason="dns"}'] == 1
    assert found['probe_success{target="hosts"}'] == 1


DNS = {
    "right": ({"query_type": "A"}, None),
    "missing": ({"query_name": "gone.example", "query_type": "A"}, "status"),
    "expected": ({"query_name": "gone.example", "query_type": "A", "valid_rcodes": ["NXDOMAIN"]}, None),
    "over-tcp": ({"query_type": "A", "transport_protocol": "tcp"}, None),
    "match": ({"query_type": "A", "validate_answer_rrs": {"fail_if_matches_regexp": [r"10\.0\.0\.1$"]}}, "body"),
    "every": ({"query_type": "A", "validate_answer_rrs": {"fail_if_all_match_regexp": ["IN\tA\t10"]}}, "body"),
    "some": ({"query_type": "A", "validate_answer_rrs": {"fail_if_none_matches_regexp": ["10.0.0.2"]}}, None),
    "none": ({"query_type": "A", "validate_answer_rrs": {"fail_if_none_matches_regexp": ["10.9"]}}, "body"),
    "empty": ({"query_type": "MX", "validate_answer_rrs": {"fail_if_not_matches_regexp": ["mail"]}}, "body"),
    "extra": ({"query_type": "A", "validate_additional_rrs": {"fail_if_none_matches_regexp": ["x"]}}, "body"),
}  # fmt: skip


async def test_dns_answers_are_judged(start: Start) -> None:
    records = {("shop.example.", "A"): ["10.0.0.1", "10.0.0.2"]}
    async with name_server(records) as names:
        running = await start({
            "dns": [
                {"name": name, "server": f"127.0.0.1:{names.port}", "module": {"query_name": "shop.example", **module}}
                for name, (module, _) in DNS.items()
            ]
        })  # fmt: skip
        found = await running.samples("/metrics/dns", scrape=4)
    for name, (_, reason) in DNS.items():
        assert found[f'probe_success{{target="{name}"}}'] == (reason is None), name
        if reason is not None:
            assert found.get(f'probe_failed_reason{{target="{name}",reason="{reason}"}}') == 1, name
        assert found[f'probe_dns_query_succeeded{{target="{name}"}}'] == 1
    assert found['probe_dns_answer_rrs{target="right"}'] == 2
    assert found['probe_dns_duration_seconds{target="right",phase="request"}'] > 0


async def test_a_later_try_does_not_hide_the_first(start: Start) -> None:
    calls = 0

    async def moody(_request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.Response(status=503 if calls == 1 else 200)

    async with serving({"/": moody}) as port:
        running = await start({"http": [{"name": "site", "url": f"http://127.0.0.1:{port}/", "attempts": 3}]})
        first = await running.samples("/metrics/http")
        second = await running.samples("/metrics/http")
    assert calls == 3
    assert first['probe_success{target="site"}'] == 1
    assert first['probe_attempts{target="site"}'] == 2
    assert first['probe_first_attempt_success{target="site"}'] == 0
    assert first['probe_first_attempt_failed_reason{target="site",reason="status"}'] == 1
    assert second['probe_attempts{target="site"}'] == 1
    assert second['probe_first_attempt_success{target="site"}'] == 1


async def test_tries_share_the_time(start: Start) -> None:
    async with silent() as port:
        running = await start({"tcp": [{
            "name": "mute", "address": f"127.0.0.1:{port}", "attempts": 2,
            "module": {"query_response": [{"expect": "x"}]},
        }]})  # fmt: skip
        with in_time(2):
            found = await running.samples("/metrics/tcp", scrape=2)
    assert found['probe_attempts{target="mute"}'] == 2
    assert found['probe_failed_reason{target="mute",reason="timeout"}'] == 1
    assert found['probe_timeout_seconds{target="mute"}'] < 0.8


async def test_ping(start: Start) -> None:
    running = await start({"icmp": [{"name": "here", "host": "127.0.0.1", "module": {"payload_size": 56}}]})
    found = await running.samples("/metrics/icmp", scrape=3)
    if found.get('probe_failed_reason{target="here",reason="permission"}'):
        pytest.skip("this system allows no pings (net.ipv4.ping_group_range, CAP_NET_RAW)")
    assert found['probe_success{target="here"}'] == 1
    assert found['probe_icmp_duration_seconds{target="here",phase="rtt"}'] > 0


async def test_websocket_dialogue_and_floods(start: Start) -> None:
    async def shout(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        while not socket.closed:
            await socket.send_str("x" * 500_000)
        return socket

    async def monster(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("x" * 2_000_000)
        await socket.receive()
        return socket

    async with serving({"/ws": feed, "/shout": shout, "/monster": monster, "/deaf": deaf, "/closing": closing}) as port:
        base = f"ws://127.0.0.1:{port}"
        steps = [{"send": "ping"}, {"expect": '"order": (\\d+)', "send": "ping"}, {"expect": "^pong$"}]
        running = await start({"websocket": [
            {"name": "talk", "url": f"{base}/ws", "query_response": steps},
            {"name": "shout", "url": f"{base}/shout", "query_response": [{"expect": "y"}], "protocol_ping": False},
            {"name": "monster", "url": f"{base}/monster", "query_response": [{"expect": "y"}], "protocol_ping": False},
            {"name": "deaf", "url": f"{base}/deaf", "query_response": [{"expect": "y"}], "protocol_ping": False},
        ]})  # fmt: skip
        with in_time(6):
            found = await running.samples("/metrics/websocket", scrape=6)
    assert found['probe_success{target="talk"}'] == 1
    for name, reason in {"shout": "too_large", "monster": "too_large", "deaf": "timeout"}.items():
        assert found.get(f'probe_failed_reason{{target="{name}",reason="{reason}"}}') == 1, name


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_thousand_scrapes_leave_nothing(start: Start) -> None:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(serving({"/": ok, "/loop": loop_around, "/ws": feed, "/c": closing}))
        half = await stack.enter_async_context(talking(half_closed))
        names = await stack.enter_async_context(name_server({("shop.example.", "A"): ["127.0.0.1"]}))
        base = f"127.0.0.1:{site}"
        running = await start(
            {
                "http": [
                    {"name": "well", "url": f"http://shop.example:{site}/"},
                    {"name": "loop", "url": f"http://{base}/loop"},
                    {"name": "half", "url": f"http://127.0.0.1:{half}/"},
                    {"name": "refused", "url": "http://127.0.0.1:1/"},
                ],
                "tcp": [
                    {"name": "port", "address": base}, {"name": "no-tls", "address": base, "module": {"tls": True}},
                ],
                "websocket": [
                    {"name": "feed", "url": f"ws://{base}/ws", "ping_message": "ping"},
                    {"name": "closing", "url": f"ws://{base}/c", "ping_message": "x"},
                ],
                "dns": [
                    {"name": "ns", "server": f"127.0.0.1:{names.port}", "module": {"query_name": "shop.example"}},
                ],
            },
            probe={"dns_servers": [f"127.0.0.1:{names.port}"]},
        )  # fmt: skip

        async def scrape(times: int) -> tuple[int, int, int]:
            for _ in range(times):
                await running.get("/metrics", scrape=5)
            await asyncio.sleep(0)
            gc.collect()
            return open_files(), len(asyncio.all_tasks()), len(gc.get_objects())

        # Each scrape probes nine targets: 1,080 probes.
        before = await scrape(30)
        after = await scrape(90)
    assert after[0] <= before[0] + 3
    assert after[1] <= before[1] + 3
    assert after[2] <= before[2] * 1.02 + 500
