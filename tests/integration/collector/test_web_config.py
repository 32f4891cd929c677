"""The pages behind exporter-toolkit's web configuration file."""

import asyncio
import os
import ssl
import time
from pathlib import Path
from typing import Any

import aiohttp
import bcrypt
import pytest
import yaml

from services.common.config import ConfigError
from tests.integration.collector.certs import DAY, Made, make
from tests.integration.collector.conftest import Start


def hashed(password: str, rounds: int = 4, prefix: bytes = b"2y") -> str:
    made = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds))
    return made.replace(b"2b", prefix, 1).decode()


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(user, password)}


def write(folder: Path, content: dict[str, Any], age: float = 0) -> str:
    file = folder / "web.yml"
    file.write_text(yaml.safe_dump(content))
    stamp = time.time_ns() - int(age * 1e9)
    os.utime(file, ns=(stamp, stamp))
    return str(file)


async def status(session: aiohttp.ClientSession, url: str, **options: Any) -> int:
    async with session.get(url, **options) as response:
        await response.read()
        return response.status


async def test_basic_auth(start: Start, tmp_path: Path) -> None:
    users = {"alice": hashed("right"), "bob": hashed("also", prefix=b"2a")}
    running = await start(web_config_file=write(tmp_path, {"basic_auth_users": users}))
    session, base = running.session, running.base
    for path, auth, expected in [
        ("/metrics", ("alice", "right"), 200), ("/metrics", ("bob", "also"), 200),
        ("/metrics/http", ("alice", "right"), 200),
        ("/probe?target=x", ("alice", "right"), 403), ("/", ("alice", "right"), 200),
        ("/metrics", ("alice", "wrong"), 401), ("/metrics", ("alice", ""), 401), ("/metrics", ("carol", "right"), 401),
        ("/metrics", ("", ""), 401), ("/metrics", ("alice", "right" * 30), 401),
    ]:  # fmt: skip
        assert await status(session, base + path, headers=basic(*auth)) in {expected, 400}, (path, auth)
    for value in ("", "Basic", "Basic !!!", "Basic /w==", "Bearer wrong", "Digest x"):
        async with session.get(base + "/metrics", headers={"Authorization": value}) as response:
            assert response.status == 401, value
            assert response.headers["WWW-Authenticate"] == "Basic"
    assert (await running.get("/metrics"))[0] == 200
    for path in ("/-/healthy", "/-/ready"):
        assert await status(session, base + path) == 200
    assert await status(session, base + "/-/reload") == 401


async def test_a_password_is_computed_once(start: Start, tmp_path: Path) -> None:
    running = await start(web_config_file=write(tmp_path, {"basic_auth_users": {"alice": hashed("right", rounds=12)}}))
    auth = basic("alice", "right")
    took = []
    for _ in range(3):
        begin = time.perf_counter()
        assert await status(running.session, running.base + "/metrics/http", headers=auth) == 200
        took.append(time.perf_counter() - begin)
    assert max(took[1:]) < took[0] / 2

    # While a hash is computed the loop answers others.
    slow = asyncio.create_task(status(running.session, running.base + "/metrics/http", headers=basic("alice", "other")))
    await asyncio.sleep(0.02)
    assert await status(running.session, running.base + "/-/healthy") == 200
    assert not slow.done()
    assert await slow == 401


async def test_changes_are_taken_and_bad_ones_refused(start: Start, tmp_path: Path) -> None:
    file = write(tmp_path, {"basic_auth_users": {"alice": hashed("old")}}, age=30)
    running = await start(web_config_file=file)
    session, url = running.session, running.base + "/metrics"
    assert await status(session, url, headers=basic("alice", "old")) == 200
    write(tmp_path, {"basic_auth_users": {"alice": hashed("new")}}, age=20)
    assert await status(session, url, headers=basic("alice", "old")) == 401
    assert await status(session, url, headers=basic("alice", "new")) == 200
    write(tmp_path, {"basic_auth_users": {"alice": "plain text"}}, age=10)
    assert await status(session, url, headers=basic("alice", "new")) == 200
    found = await running.samples("/metrics")
    assert found['tocsin_config_last_reload_successful{kind="web"}'] == 0
    assert found['tocsin_config_last_reload_successful{kind="config"}'] == 1
    os.unlink(file)  # noqa: PTH108 - a quick call in a test's own loop
    assert await status(session, url, headers=basic("alice", "new")) == 200
    write(tmp_path, {"basic_auth_users": {"alice": hashed("newest")}})
    assert await status(session, url, headers=basic("alice", "newest")) == 200


async def test_headers_and_rate_limit(start: Start, tmp_path: Path) -> None:
    content = {
        "http_server_config": {"headers": {"X-Frame-Options": "deny", "X-Content-Type-Options": "nosniff"}},
        "rate_limit": {"interval": "1h", "burst": 3},
    }
    running = await start(web_config_file=write(tmp_path, content))
    async with running.session.get(running.base + "/metrics") as response:
        first = response.status
        assert response.headers.get("X-Frame-Options") == "deny"
    others = [await status(running.session, running.base + "/metrics") for _ in range(4)]
    assert [first, *others].count(429) == 2
    assert [first, *others].count(200) == 3


@pytest.fixture
def root(tmp_path: Path) -> Made:
    made = make("Test Root", authority=True, ends=3650 * DAY)
    made.write(tmp_path, "ca")
    return made


async def test_tls_whose_certificate_rotates(start: Start, tmp_path: Path, root: Made) -> None:
    first = make("server", issuer=root, ends=5 * DAY)
    first.write(tmp_path, "server")
    tls = {"cert_file": "server.pem", "key_file": "server.key", "min_version": "TLS13"}
    running = await start(web_config_file=write(tmp_path, {"tls_server_config": tls}))
    base = running.base.replace("http:", "https:")
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))

    async def shown() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.collector.port, ssl=trust)
        connection = writer.get_extra_info("ssl_object")
        assert connection.version() == "TLSv1.3"
        writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert b" 200 OK" in await reader.readline()
        writer.transport.abort()
        return int(connection.getpeercert()["serialNumber"], 16)

    assert await shown() == first.certificate.serial_number
    second = make("server", issuer=root, ends=50 * DAY)
    second.write(tmp_path, "server")
    assert await shown() == second.certificate.serial_number
    (tmp_path / "server.pem").write_text("broken")
    assert await shown() == second.certificate.serial_number

    old = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(base + "/metrics", ssl=old)


async def test_client_certificates(start: Start, tmp_path: Path, root: Made) -> None:
    make("server", issuer=root).write(tmp_path, "server")
    make("prometheus", issuer=root, hosts=("prometheus.example",)).write(tmp_path, "known")
    make("other", issuer=root, hosts=("other.example",)).write(tmp_path, "other")
    make("stranger", hosts=("prometheus.example",)).write(tmp_path, "stranger")
    tls = {
        "cert_file": "server.pem", "key_file": "server.key", "client_ca_file": "ca.pem", "max_version": "TLS12",
        "client_auth_type": "RequireAndVerifyClientCert", "client_allowed_sans": ["prometheus.example"],
        "cipher_suites": ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"], "curve_preferences": ["CurveP256"],
    }  # fmt: skip
    running = await start(listen="0.0.0.0:0", web_config_file=write(tmp_path, {"tls_server_config": tls}))
    url = running.base.replace("http:", "https:") + "/metrics"

    async def ask(name: str | None) -> int:
        trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        if name is not None:
            trust.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        async with aiohttp.ClientSession() as session:
            return await status(session, url, ssl=trust)

    assert await ask("known") == 200
    assert await ask("other") == 403
    for name in ("stranger", None):
        with pytest.raises(aiohttp.ClientError):
            await ask(name)


BAD = {
    "missing key": {"tls_server_config": {"cert_file": "a"}},
    "either cert or cert_file": {"tls_server_config": {"cert": "x", "cert_file": "a", "key_file": "b"}},
    "missing cert": {"tls_server_config": {"key_file": "b"}},
    "needs client_ca_file": {
        "tls_server_config": {"cert_file": "a", "key_file": "b", "client_auth_type": "RequireAndVerifyClientCert"}
    },
    "proves nothing": {
        "tls_server_config": {"cert_file": "a", "key_file": "b", "client_auth_type": "RequireAnyClientCert"}
    },
    "has an effect with": {"tls_server_config": {"cert_file": "a", "key_file": "b", "client_ca_file": "c"}},
    "client_allowed_sans needs": {
        "tls_server_config": {"cert_file": "a", "key_file": "b", "client_allowed_sans": ["x"]}
    },
    "more than one curve": {
        "tls_server_config": {"cert_file": "a", "key_file": "b", "curve_preferences": ["X25519", "CurveP256"]}
    },
    "check its files": {"tls_server_config": {"cert_file": "gone", "key_file": "gone"}},
    "unknown key": {"tls_config": {}},
    "can't be set": {"http_server_config": {"headers": {"Server": "x"}}},
    "it may be deny or sameorigin": {"http_server_config": {"headers": {"X-Frame-Options": "never"}}},
    "not a bcrypt hash": {"basic_auth_users": {"alice": "secret"}},
}


@pytest.mark.parametrize("message", BAD)
async def test_a_bad_file_is_refused_at_the_start(start: Start, tmp_path: Path, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        await start(web_config_file=write(tmp_path, BAD[message]))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"), [("cipher_suites", ["TLS_ROT13"]), ("curve_preferences", ["CurveP1"])]
)  # fmt: skip
async def test_unknown_ciphers_and_curves(start: Start, tmp_path: Path, root: Made, key: str, value: list[str]) -> None:
    make("server", issuer=root).write(tmp_path, "server")
    tls = {"cert_file": "server.pem", "key_file": "server.key", key: value}
    with pytest.raises(ConfigError, match=f"unknown .*{value[0]}"):
        await start(web_config_file=write(tmp_path, {"tls_server_config": tls}))


async def test_tls_can_not_be_turned_off_while_listening(start: Start, tmp_path: Path, root: Made) -> None:
    made = make("server", issuer=root)
    cert, key = made.write(tmp_path, "server")
    # By value in place of by file.
    tls = {"cert": cert.read_text(), "key": key.read_text()}
    running = await start(web_config_file=write(tmp_path, {"tls_server_config": tls}, age=10))
    write(tmp_path, {})
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    url = running.base.replace("http:", "https:") + "/metrics"
    async with running.session.get(url, ssl=trust) as response:
        assert 'kind="web"} 0' in await response.text()
