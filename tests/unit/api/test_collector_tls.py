"""The API's side of a collector that serves HTTPS."""

import os
import ssl

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError

from services.api.errors.model import ErrorsQuery
from services.api.errors.reader import ErrorReader
from services.api.errors.tls import CollectorTls, CollectorTrust
from services.api.problem import ProblemError
from services.common.config import ConfigError
from services.common.testing.clock import ManualClock
from tests.integration.collector.certs import make


@pytest.fixture
async def serve():
    """Serve an empty /errors with a TLS context; returns the URL."""
    runners = []

    async def start(context):
        async def errors(_request):
            return web.json_response({"errors": [], "missing": [], "sources": ["log"]})

        app = web.Application()
        app.router.add_get("/errors", errors)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        return f"https://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


async def ask(url, folder, **tls):
    async with aiohttp.ClientSession() as session:
        trust = CollectorTrust(CollectorTls(**tls), folder)
        return await ErrorReader(session, url, "token", ManualClock(), trust=trust).find(ErrorsQuery())


async def test_trusted_by_authority_by_itself_or_not_at_all(serve, tmp_path):
    authority = make("an authority", authority=True)
    authority.write(tmp_path, "ca")
    own = make("tocsin", issuer=authority, hosts=("tocsin.example",))
    named = await serve(make("local", issuer=authority).server(tmp_path, "local"))
    elsewhere = await serve(own.server(tmp_path, "own"))
    assert (await ask(named, tmp_path, ca_file="ca.pem")).configured
    assert (await ask(elsewhere, tmp_path, ca_file="own.pem", check_hostname=False)).configured
    for url, tls in (
        (named, {}),
        (named, {"ca_file": "own.pem", "check_hostname": False}),
        (elsewhere, {"ca_file": "ca.pem"}),
    ):
        with pytest.raises(ProblemError, match=r"its certificate is not trusted.*collector_tls"):
            await ask(url, tmp_path, **tls)


async def test_a_collector_that_asks_for_a_certificate_is_shown_one(serve, tmp_path):
    authority = make("an authority", authority=True)
    authority.write(tmp_path, "ca")
    make("api", issuer=authority).write(tmp_path, "api")
    context = make("local", issuer=authority).server(tmp_path, "local")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(tmp_path / "ca.pem")
    url = await serve(context)
    assert (await ask(url, tmp_path, ca_file="ca.pem", cert_file="api.pem", key_file="api.key")).configured
    with pytest.raises(ProblemError, match="can't be reached"):
        await ask(url, tmp_path, ca_file="ca.pem")


def test_files_are_read_again_only_when_they_change(tmp_path):
    file, _ = make("one", authority=True).write(tmp_path, "ca")
    trust = CollectorTrust(CollectorTls(ca_file="ca.pem"), tmp_path)
    first = trust.context()
    assert trust.context() is first
    make("two", authority=True).write(tmp_path, "ca")
    os.utime(file, ns=(1, 1))
    second = trust.context()
    assert [dict(part[0] for part in one["subject"])["commonName"] for one in second.get_ca_certs()] == ["two"]
    file.write_text("no certificate")
    os.utime(file, ns=(2, 2))
    with pytest.raises(ConfigError, match=r"api.collector_tls: .*check ca_file"):
        trust.context()
    file.unlink()
    with pytest.raises(ConfigError, match="No such file"):
        CollectorTrust(CollectorTls(ca_file="ca.pem"), tmp_path)


@pytest.mark.parametrize(
    ("given", "said"),
    [({"cert_file": "x"}, "cert_file and key_file together"), ({"check_hostname": False}, "needs ca_file")],
)
def test_half_a_setting_is_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        CollectorTls(**given)
