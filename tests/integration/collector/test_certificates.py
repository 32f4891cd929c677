"""Certificates are told of, whether they are accepted or not."""

import datetime as dt
import ssl
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.integration.collector.apps import feed, ok, serving
from tests.integration.collector.certs import DAY, Made, make
from tests.integration.collector.conftest import Start
from tests.integration.collector.line_servers import postgres, smtp, talking


def expiry(made: Made) -> float:
    return made.certificate.not_valid_after_utc.timestamp()


@pytest.fixture
def root(tmp_path: Path) -> Made:
    made = make("Test Root", authority=True, ends=3650 * DAY)
    made.write(tmp_path, "ca")
    return made


REFUSED = {
    "expired": ({"ends": -DAY}, "expired"),
    "early": ({"begins": DAY}, "not_yet_valid"),
    "elsewhere": ({"hosts": ("other.example",)}, "wrong_host"),
    "own": ({"own": True}, "self_signed"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_refused_certificate_still_shows_its_end(
    start: Start, tmp_path: Path, root: Made, kind: str, version: ssl.TLSVersion
) -> None:
    options, reason = REFUSED[kind]
    issuer = None if options.get("own") else root
    made = make("server", issuer=issuer, **{key: value for key, value in options.items() if key != "own"})
    context = made.server(tmp_path, kind)
    context.minimum_version = context.maximum_version = version
    trust = {"tls_config": {"ca_file": str(tmp_path / "ca.pem")}}
    async with serving({"/": ok, "/ws": feed}, tls=context) as port:
        running = await start({
            "http": [{"name": "web", "url": f"https://127.0.0.1:{port}/", "module": trust}],
            "websocket": [{"name": "feed", "url": f"wss://127.0.0.1:{port}/ws", **trust}],
            "tcp": [{"name": "port", "address": f"127.0.0.1:{port}", "module": {"tls": True, **trust}}],
            "tls": [{"name": "certificate", "address": f"127.0.0.1:{port}", "module": trust}],
        })  # fmt: skip
        found = await running.samples("/metrics")
    for name in ("web", "feed", "port", "certificate"):
        assert found[f'probe_success{{target="{name}"}}'] == 0, name
        assert found[f'probe_failed_reason{{target="{name}",reason="tls"}}'] == 1, name
        assert found[f'probe_tls_certificate_refused{{target="{name}",reason="{reason}"}}'] == 1, name
        assert found[f'probe_ssl_earliest_cert_expiry{{target="{name}"}}'] == expiry(made), name
        assert f'probe_ssl_last_chain_expiry_timestamp_seconds{{target="{name}"}}' not in found, name
    assert found['probe_http_duration_seconds{target="web",phase="tls"}'] > 0


async def test_the_chain_that_ends_first_and_the_one_that_was_verified(
    start: Start, tmp_path: Path, root: Made
) -> None:
    middle = make("Intermediate", issuer=root, authority=True, ends=20 * DAY)
    middle.chain = (middle.certificate,)
    leaf = make("server", issuer=middle, ends=10 * DAY)
    old = make("Old Root", authority=True, ends=-DAY)
    leaf.chain = (*leaf.chain, old.certificate)
    trust = {"tls_config": {"ca_file": str(tmp_path / "ca.pem")}}
    async with serving({"/": ok}, tls=leaf.server(tmp_path, "leaf")) as port:
        running = await start({
            "http": [{"name": "web", "url": f"https://127.0.0.1:{port}/", "module": trust}],
            "tls": [
                {"name": "loose", "address": f"127.0.0.1:{port}",
                 "module": {"tls_config": {"insecure_skip_verify": True}}},
            ],
        })  # fmt: skip
        found = await running.samples("/metrics")
    assert found['probe_success{target="web"}'] == 1
    assert found['probe_ssl_earliest_cert_expiry{target="web"}'] == expiry(old)
    assert found['probe_ssl_last_chain_expiry_timestamp_seconds{target="web"}'] == expiry(leaf)
    info = next(name for name in found if name.startswith('probe_ssl_last_chain_info{target="web"'))
    assert 'subject="CN=server"' in info
    assert 'issuer="CN=Intermediate"' in info
    assert f'serialnumber="{leaf.certificate.serial_number:x}"' in info
    assert 'probe_ssl_last_chain_expiry_timestamp_seconds{target="loose"}' not in found
    assert found['probe_ssl_earliest_cert_expiry{target="loose"}'] == expiry(old)


async def test_tls_behind_other_protocols(start: Start, tmp_path: Path, root: Made) -> None:
    made = make("mail", issuer=root, ends=5 * DAY)
    context = made.server(tmp_path, "mail")
    trust = {"tls_config": {"ca_file": str(tmp_path / "ca.pem")}}
    async with AsyncExitStack() as stack:
        mail = await stack.enter_async_context(talking(smtp(context)))
        plain = await stack.enter_async_context(talking(smtp(None)))
        base = await stack.enter_async_context(talking(postgres(context)))
        bare = await stack.enter_async_context(talking(postgres(None)))
        targets = [
            {"name": "mail", "address": f"127.0.0.1:{mail}", "module": {"starttls": "smtp", **trust}},
            {"name": "plain", "address": f"127.0.0.1:{plain}", "module": {"starttls": "smtp", **trust}},
            {"name": "base", "address": f"127.0.0.1:{base}", "module": {"starttls": "postgres", **trust}},
            {"name": "bare", "address": f"127.0.0.1:{bare}", "module": {"starttls": "postgres", **trust}},
            {"name": "soon", "address": f"127.0.0.1:{mail}",
             "module": {"starttls": "smtp", "min_remaining": "7d", **trust}},
            {"name": "named", "address": f"127.0.0.1:{mail}",
             "module": {"starttls": "smtp", "tls_config": {**trust["tls_config"], "server_name": "wrong.example"}}},
        ]  # fmt: skip
        running = await start({"tls": targets})
        found = await running.samples("/metrics/tls", scrape=4)
    for name in ("mail", "base"):
        assert found[f'probe_success{{target="{name}"}}'] == 1, name
        assert found[f'probe_tls_duration_seconds{{target="{name}",phase="tls"}}'] > 0
    for name in ("mail", "base", "soon", "named"):
        assert found[f'probe_ssl_earliest_cert_expiry{{target="{name}"}}'] == expiry(made), name
    assert found['probe_failed_reason{target="bare",reason="tls"}'] == 1
    assert found['probe_failed_reason{target="plain",reason="timeout"}'] == 1
    assert found['probe_failed_reason{target="soon",reason="tls"}'] == 1
    assert found['probe_tls_certificate_refused{target="named",reason="wrong_host"}'] == 1


async def test_a_client_certificate_is_shown(start: Start, tmp_path: Path, root: Made) -> None:
    context = make("server", issuer=root).server(tmp_path, "server")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(tmp_path / "ca.pem")
    make("client", issuer=root, hosts=("client.example",)).write(tmp_path, "client")
    trust = {"ca_file": "ca.pem", "min_version": "TLS12", "max_version": "TLS12"}
    own = {**trust, "cert_file": "client.pem", "key_file": "client.key"}
    async with serving({"/": ok}, tls=context) as port:
        url = f"https://127.0.0.1:{port}/"
        running = await start({
            "http": [
                {"name": "known", "url": url, "module": {"tls_config": own}},
                {"name": "unknown", "url": url, "module": {"tls_config": trust}},
                {"name": "no-file", "url": url, "module": {"tls_config": {"ca_file": "gone.pem"}}},
            ]
        })  # fmt: skip
        found = await running.samples("/metrics/http")
    assert found['probe_success{target="known"}'] == 1
    assert found['probe_tls_version_info{target="known",version="TLS 1.2"}'] == 1
    # A server tells by an alert or just hangs up.
    assert found.keys() & {f'probe_failed_reason{{target="unknown",reason="{reason}"}}' for reason in ("tls", "closed")}
    assert found['probe_failed_reason{target="no-file",reason="config"}'] == 1


def test_made_certificates_are_what_they_say() -> None:
    assert make("x", ends=-DAY).certificate.not_valid_after_utc < dt.datetime.now(dt.UTC)
