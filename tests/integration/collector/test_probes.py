import shutil
import time

import pytest

from tests.fixtures.waiting import in_time
from tests.integration.collector.apps import (
    bomb,
    broken,
    certificate,
    closing,
    deaf,
    feed,
    huge,
    never,
    ok,
    serving,
    silent,
)
from tests.integration.collector.conftest import Start

PHASES = ("resolve", "connect", "tls", "processing", "transfer")


async def test_http_phases_add_up(start: Start) -> None:
    async with serving({"/": ok}) as port:
        running = await start({"http": [{"name": "site", "url": f"http://127.0.0.1:{port}/"}]})
        found = await running.samples("/metrics/http")
    assert found['probe_success{target="site"}'] == 1
    assert found['probe_http_status_code{target="site"}'] == 200
    assert found['probe_http_version{target="site"}'] == 1.1
    assert found['probe_http_uncompressed_body_length{target="site"}'] == len("all is well")
    assert found['probe_ip_protocol{target="site"}'] == 4
    phases = [found[f'probe_http_duration_seconds{{target="site",phase="{phase}"}}'] for phase in PHASES]
    assert phases[1] > 0
    assert phases[2] == 0
    assert phases[3] > 0
    assert sum(phases) <= found['probe_duration_seconds{target="site"}']


@pytest.mark.parametrize(
    ("handler", "module", "reason"),
    [
        (broken, {}, "status"),
        (ok, {"fail_if_body_matches_regexp": ["well"]}, "body"),
        (ok, {"fail_if_body_not_matches_regexp": ["ill"]}, "body"),
        (huge, {}, "too_large"),
        (bomb, {"compression": "gzip"}, "too_large"),
    ],
)
async def test_http_failures_say_why(start: Start, handler, module, reason: str) -> None:
    async with serving({"/": handler}) as port:
        running = await start({"http": [{"name": "site", "url": f"http://127.0.0.1:{port}/", "module": module}]})
        found = await running.samples("/metrics/http")
    assert found['probe_success{target="site"}'] == 0
    assert found[f'probe_failed_reason{{target="site",reason="{reason}"}}'] == 1


async def test_http_status_may_be_expected(start: Start) -> None:
    async with serving({"/": broken}) as port:
        module = {"valid_status_codes": [503]}
        running = await start({"http": [{"name": "site", "url": f"http://127.0.0.1:{port}/", "module": module}]})
        assert (await running.samples("/metrics/http"))['probe_success{target="site"}'] == 1


async def test_http_refused_and_unknown_host(start: Start) -> None:
    running = await start({
        "http": [
            {"name": "refused", "url": "http://127.0.0.1:1/"}, {"name": "unknown", "url": "http://no.such.host.invalid/"},
        ]
    })  # fmt: skip
    found = await running.samples("/metrics/http")
    assert found['probe_failed_reason{target="refused",reason="refused"}'] == 1
    assert found['probe_failed_reason{target="unknown",reason="dns"}'] == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program to make a certificate")
async def test_tls_is_a_phase_and_an_untrusted_certificate_a_reason(start: Start, tmp_path) -> None:
    context, cert = certificate(tmp_path)
    async with serving({"/": ok}, tls=context) as port:
        url = f"https://127.0.0.1:{port}/"
        running = await start({
            "http": [
                {"name": "trusted", "url": url, "module": {"ca_file": str(cert)}}, {"name": "strange", "url": url},
                {"name": "unverified", "url": url, "module": {"verify_tls": False}},
            ]
        })  # fmt: skip
        found = await running.samples("/metrics/http")
    assert found['probe_success{target="trusted"}'] == 1
    assert found['probe_http_ssl{target="trusted"}'] == 1
    assert found['probe_http_duration_seconds{target="trusted",phase="tls"}'] > 0
    expiry = found['probe_ssl_earliest_cert_expiry{target="trusted"}']
    assert expiry == pytest.approx(time.time() + 30 * 86_400, abs=7200)
    assert found['probe_tls_version_info{target="trusted",version="TLS 1.3"}'] == 1
    assert found['probe_failed_reason{target="strange",reason="tls"}'] == 1
    assert found['probe_success{target="unverified"}'] == 1


async def test_silent_http_server_answers_in_time(start: Start) -> None:
    async with silent() as port, serving({"/never": never}) as other:
        running = await start({
            "http": [
                {"name": "silent", "url": f"http://127.0.0.1:{port}/"},
                {"name": "never", "url": f"http://127.0.0.1:{other}/never"},
            ]
        })  # fmt: skip
        with in_time(3):
            found = await running.samples("/metrics/http", scrape=3)
    for name in ("silent", "never"):
        assert found[f'probe_success{{target="{name}"}}'] == 0
        assert found[f'probe_failed_reason{{target="{name}",reason="timeout"}}'] == 1


async def test_websocket_round_trip_skips_other_messages(start: Start) -> None:
    async with serving({"/ws": feed}) as port:
        target = {"name": "feed", "url": f"ws://127.0.0.1:{port}/ws", "ping_message": "ping", "expect": "^pong$"}
        running = await start({"websocket": [target]})
        found = await running.samples("/metrics/websocket")
    assert found['probe_success{target="feed"}'] == 1
    assert found['websocket_up{target="feed"}'] == 1
    assert found['probe_websocket_status_code{target="feed"}'] == 101
    assert found['probe_websocket_connection_upgraded{target="feed"}'] == 1
    assert 0 < found['probe_websocket_round_trip_seconds{target="feed"}'] < 1
    assert 0 < found['probe_websocket_ping_seconds{target="feed"}'] < 1
    assert found['probe_websocket_failed_due_to_regex{target="feed"}'] == 0
    for phase in ("connect", "processing", "transfer"):
        assert found[f'probe_websocket_duration_seconds{{target="feed",phase="{phase}"}}'] > 0


@pytest.mark.parametrize("ping", ["ping", None])
async def test_silent_websocket_is_down_in_time(start: Start, ping: str | None) -> None:
    async with serving({"/ws": deaf}) as port, silent() as mute, serving({"/ws": feed}) as well:
        running = await start({
            "websocket": [
                {"name": "deaf", "url": f"ws://127.0.0.1:{port}/ws", "ping_message": ping, "expect": "pong"},
                {"name": "mute", "url": f"ws://127.0.0.1:{mute}/ws", "ping_message": ping},
                {"name": "well", "url": f"ws://127.0.0.1:{well}/ws", "ping_message": ping},
            ]
        })  # fmt: skip
        with in_time(3):
            found = await running.samples("/metrics/websocket", scrape=3)
    assert found['probe_success{target="well"}'] == 1
    for name in ("deaf", "mute"):
        assert found[f'probe_success{{target="{name}"}}'] == 0
        assert found[f'websocket_up{{target="{name}"}}'] == 0
        assert found[f'probe_failed_reason{{target="{name}",reason="timeout"}}'] == 1
    assert found['probe_websocket_connection_upgraded{target="deaf"}'] == 1
    assert found['probe_websocket_connection_upgraded{target="mute"}'] == 0


async def test_websocket_failures_say_why(start: Start) -> None:
    async with serving({"/ws": closing, "/plain": ok}) as port:
        running = await start({
            "websocket": [
                {"name": "closing", "url": f"ws://127.0.0.1:{port}/ws", "ping_message": "x", "protocol_ping": False},
                {"name": "plain", "url": f"ws://127.0.0.1:{port}/plain"},
                {"name": "refused", "url": "ws://127.0.0.1:1/ws"},
            ]
        })  # fmt: skip
        found = await running.samples("/metrics/websocket")
    assert found['probe_failed_reason{target="closing",reason="closed"}'] == 1
    assert found['probe_websocket_close_code{target="closing"}'] == 1011
    assert found['probe_failed_reason{target="plain",reason="status"}'] == 1
    assert found['probe_websocket_status_code{target="plain"}'] == 200
    assert found['probe_failed_reason{target="refused",reason="refused"}'] == 1
