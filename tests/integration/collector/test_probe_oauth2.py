"""Checks that need a token, and answers compressed by brotli."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cramjam
import pytest
from aiohttp import web

from tests.fixtures.oauth2 import Granting, granting
from tests.integration.collector.apps import feed, serving
from tests.integration.collector.conftest import Running, Start, parse
from tests.integration.collector.test_probe_keys import one, reason

pytestmark = pytest.mark.integration


@pytest.fixture
async def server() -> AsyncIterator[Granting]:
    async with granting() as it:
        yield it


@pytest.fixture
async def port(server: Granting) -> AsyncIterator[int]:
    """Of a server that wants the newest token."""

    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(text="in") if server.lets_in(request) else web.Response(status=401)

    async def socket(request: web.Request) -> web.StreamResponse:
        return await feed(request) if server.lets_in(request) else web.Response(status=401)

    async with serving({"/": page, "/ws": socket}) as found:
        yield found


async def probe(running: Running, module: str, target: str, more: str = "") -> tuple[dict[str, float], str]:
    status, text = await running.get(f"/probe?module={module}&target={target}{more}", scrape=30)
    assert status == 200, text
    return ({} if more else parse(text)), text


def blackbox(tmp_path: Path, server: Granting, port: int, key: str = "method: GET") -> dict[str, Any]:
    """Settings that read a blackbox.yml as a peer has it."""
    (tmp_path / "secret").write_text("s3cret\n")
    text = f"""
      modules:
        web: &web
          prober: http
          timeout: 20s
          http:
            {key}
            oauth2: &oauth2
              client_id: tocsin
              client_secret_file: secret
              token_url: {server.url}/token
              scopes: [probe]
              endpoint_params: {{audience: shop}}
              tls_config: {{insecure_skip_verify: true}}
        ws: {{prober: websocket, timeout: 20s, websocket: {{ping_message: ping, http_config: {{oauth2: *oauth2}}}}}}
    """
    (tmp_path / "blackbox.yml").write_text(text)
    return {
        "probe": {
            "config_file": "blackbox.yml",
            "allowed_targets": [f"{scheme}://127.0.0.1:{port}/*" for scheme in ("http", "ws")],
        }
    }


async def test_probes_share_a_token_and_replace_it_when_it_is_refused(
    start: Start, server: Granting, port: int, tmp_path: Path
) -> None:
    running = await start(**blackbox(tmp_path, server, port))
    url = f"http://127.0.0.1:{port}/"
    assert (await probe(running, "web", url))[0]["probe_success"] == 1
    found, _ = await probe(running, "ws", f"ws://127.0.0.1:{port}/ws")
    assert found["probe_success"] == 1
    assert len(server.asked) == 1
    assert server.asked[0][1] == {"grant_type": "client_credentials", "audience": "shop", "scope": "probe"}
    server.valid = "t2"
    found, _ = await probe(running, "web", url)
    assert (found["probe_success"], found["probe_http_status_code"]) == (1, 200)
    server.denies = True
    found, text = await probe(running, "web", url)
    assert (found["probe_success"], found["probe_http_status_code"], reason(found)) == (0, 401, "status")
    assert server.shown[:5] == ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2"]
    assert "s3cret" not in text


async def test_a_websocket_whose_token_is_refused(start: Start, server: Granting, port: int, tmp_path: Path) -> None:
    running = await start(**blackbox(tmp_path, server, port))
    url = f"ws://127.0.0.1:{port}/ws"
    await probe(running, "ws", url)
    server.valid = "t2"
    assert (await probe(running, "ws", url))[0]["probe_success"] == 1
    server.denies = True
    assert (await probe(running, "ws", url))[0]["probe_success"] == 0
    assert server.shown[:4] == ["Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2"]


async def test_a_401_that_is_wanted_is_no_refusal(start: Start, server: Granting, port: int, tmp_path: Path) -> None:
    running = await start(**blackbox(tmp_path, server, port, key="valid_status_codes: [401]"))
    await probe(running, "web", f"http://127.0.0.1:{port}/")
    server.denies = True
    assert (await probe(running, "web", f"http://127.0.0.1:{port}/"))[0]["probe_success"] == 1
    assert server.granted == 1


@pytest.mark.parametrize("module", ["web", "ws"])
async def test_without_a_token_the_target_is_not_asked(
    start: Start, server: Granting, port: int, tmp_path: Path, module: str
) -> None:
    running = await start(**blackbox(tmp_path, server, port))
    url = f"http://127.0.0.1:{port}/" if module == "web" else f"ws://127.0.0.1:{port}/ws"
    server.answers = [(401, {"error": "invalid_client s3cret"})] * 4
    found, _ = await probe(running, module, url)
    assert (found["probe_success"], reason(found)) == (0, "auth")
    _, text = await probe(running, module, url, "&debug=true")
    assert f"no token from {server.url}/token: HTTP 401" in text
    assert "s3cret" not in text
    (tmp_path / "secret").unlink()
    found, _ = await probe(running, module, url)
    assert (reason(found), server.shown) == ("config", [])


BODY = b"all is well " * 100_000
PACKED = bytes(cramjam.brotli.compress(BODY))


@pytest.mark.parametrize(
    ("body", "encoding", "module", "expected"),
    [
        (PACKED, "br", {"fail_if_body_not_matches_regexp": ["all is well"]}, ""),
        (PACKED, "br", {"fail_if_body_matches_regexp": ["is well"]}, "body"),
        (PACKED, "br", {"body_size_limit": "1MB"}, "too_large"), (PACKED[:-9], "br", {}, "body"),
        (b"all is well", "identity", {}, "body"), (b"", "br", {"method": "HEAD"}, ""),
    ],
    ids=["good", "matches", "long", "cut", "plain", "head"],
)  # fmt: skip
async def test_brotli(start: Start, body: bytes, encoding: str, module: dict[str, Any], expected: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "br"
        return web.Response(body=body, headers={"Content-Encoding": encoding})

    async with serving({"/": answer}) as port:
        url = f"http://127.0.0.1:{port}/"
        found = await one(start, "http", {"url": url, "module": {"compression": "br", **module}})
    assert (reason(found), found["probe_success"]) == (expected, expected == "")
    if body == PACKED and expected != "too_large":
        assert found["probe_http_uncompressed_body_length"] == len(BODY)
