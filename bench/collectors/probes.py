"""Ours beside blackbox_exporter: one blackbox.yml in both, probing servers of the bench's own."""

import asyncio
import datetime as dt
import ipaddress
import ssl
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlencode

import yaml
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.collectors.measure import Comparison, Subject, Watched, measure
from bench.processes import free_port, start, wait_ready
from bench.report import peer

_INSECURE = {"tls_config": {"insecure_skip_verify": True}}
_MODULES = {
    "http": {"prober": "http", "http": {"preferred_ip_protocol": "ip4"}},
    "https": {"prober": "http", "http": {"preferred_ip_protocol": "ip4", **_INSECURE}},
    "tcp": {"prober": "tcp", "tcp": {"preferred_ip_protocol": "ip4"}},
    "websocket": {"prober": "websocket", "websocket": {"ping_message": "ping"}},
}
_PROBERS_OF_PEER = ("http", "https", "tcp")


def _certificate(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).add_extension(names, critical=False)
    made = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=30)).sign(key, hashes.SHA256())
    file = folder / "server.pem"
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(made.public_bytes(encoding) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def _page(_request: web.Request) -> web.Response:
    return web.Response(text="all is well")


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(str(message.data))
    return socket


async def _serve(stack: AsyncExitStack, tls: ssl.SSLContext | None) -> int:
    app = web.Application()
    app.router.add_get("/", _page)
    app.router.add_get("/ws", _echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    return int(runner.addresses[0][1])


async def _ours(stack: AsyncExitStack, folder: Path, servers: Sequence[str]) -> Subject:
    port, home = free_port(), folder / "tocsin"
    home.mkdir()
    probe = {"modules": _MODULES, "allowed_targets": ["127.0.0.1", *(f"{server}/*" for server in servers)]}
    config = {"data_dir": str(home / "data"), "collector": {"listen": f"127.0.0.1:{port}", "probe": probe}}
    (home / "tocsin.yml").write_text(yaml.safe_dump(config))
    side = start(stack, "tocsin", [sys.executable, "-m", "services", "collector", "--config", "tocsin.yml"], home)
    await wait_ready(side, f"http://127.0.0.1:{port}/-/ready")
    token = (home / "data" / "secrets" / "service-token").read_text().strip()
    return Subject("tocsin", f"http://127.0.0.1:{port}", side.process.pid, {"Authorization": f"Bearer {token}"})


async def _exporter(stack: AsyncExitStack, folder: Path) -> Subject:
    port = free_port()
    modules = {name: _MODULES[name] for name in _PROBERS_OF_PEER}
    (folder / "blackbox.yml").write_text(yaml.safe_dump({"modules": modules}))
    program = peer("prometheus-blackbox-exporter", "prometheus-blackbox-exporter")
    arguments = [program, "--config.file=blackbox.yml", f"--web.listen-address=127.0.0.1:{port}"]
    side = start(stack, "blackbox_exporter", arguments, folder)
    await wait_ready(side, f"http://127.0.0.1:{port}/-/healthy")
    return Subject("blackbox_exporter", f"http://127.0.0.1:{port}", side.process.pid)


def _at(subject: Subject, module: str, target: str) -> Subject:
    query = urlencode({"module": module, "target": target})
    return Subject(subject.name, f"{subject.url}/probe?{query}", subject.pid, subject.headers)


async def compare(stack: AsyncExitStack, folder: Path, quick: bool) -> list[Comparison]:  # noqa: FBT001 - see Compare
    """Measure one probe of each kind; blackbox_exporter's WebSocket prober is in no release yet."""
    rounds = 40 if quick else 300
    plain = await _serve(stack, None)
    secure = await _serve(stack, await asyncio.to_thread(_certificate, folder))
    servers = [f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{secure}", f"ws://127.0.0.1:{plain}"]
    ours, exporter = await _ours(stack, folder, servers), await _exporter(stack, folder)
    targets = {
        "http": f"{servers[0]}/",
        "https": f"{servers[1]}/",
        "tcp": f"127.0.0.1:{plain}",
        "websocket": f"{servers[2]}/ws",
    }
    found = []
    for module, target in targets.items():
        mine = await measure(_at(ours, module, target), Watched(), rounds=rounds)
        peers = []
        if module in _PROBERS_OF_PEER:
            peers.append(await measure(_at(exporter, module, target), Watched(), rounds=rounds))
        found.append(Comparison(f"Probe: {module}", mine, peers))
    return found
