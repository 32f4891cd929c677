"""One blackbox.yml in blackbox_exporter and in the collector: the same names and labels, the same verdicts."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from services.collector.probes.modules import read_blackbox
from tests.fixtures.ports import free_port
from tests.integration.collector.apps import broken, ok, serving
from tests.integration.collector.certs import make
from tests.integration.collector.conftest import Start
from tests.integration.collector.line_servers import name_server, smtp, talking

PEER = shutil.which("prometheus-blackbox-exporter") or shutil.which("blackbox_exporter")
BLACKBOX = """\
modules:
  http_2xx:
    prober: http
    http: {preferred_ip_protocol: ip4}
  http_body:
    prober: http
    timeout: 5s
    http:
      preferred_ip_protocol: ip4
      fail_if_body_matches_regexp: ["all is w\\\\w+"]
      valid_http_versions: ["HTTP/1.1", "HTTP/2.0"]
  http_header:
    prober: http
    http:
      preferred_ip_protocol: ip4
      fail_if_header_not_matches: [{header: Content-Type, regexp: "^text/"}]
      fail_if_header_matches: [{header: Set-Cookie, allow_missing: true, regexp: '.*'}]
  https_insecure:
    prober: http
    http:
      preferred_ip_protocol: ip4
      fail_if_not_ssl: true
      tls_config: {insecure_skip_verify: true}
  tcp_connect:
    prober: tcp
    tcp: {preferred_ip_protocol: ip4}
  tcp_tls:
    prober: tcp
    tcp: {preferred_ip_protocol: ip4, tls: true, tls_config: {insecure_skip_verify: true}}
  smtp_starttls:
    prober: tcp
    timeout: 5s
    tcp:
      preferred_ip_protocol: ip4
      tls_config: {insecure_skip_verify: true}
      query_response:
        - expect: "^220 ([^ ]+) ESMTP (.+)$"
        - send: "EHLO ${1}\\r"
        - expect: "^250-STARTTLS"
        - send: "STARTTLS\\r"
        - expect: "^220"
        - starttls: true
        - send: "EHLO prober\\r"
        - expect: "^250 AUTH"
        - send: "QUIT\\r"
  dns_a:
    prober: dns
    dns:
      preferred_ip_protocol: ip4
      query_name: shop.example
      query_type: A
      validate_answer_rrs:
        fail_if_not_matches_regexp: ["^shop.example.\\t300\\tIN\\tA\\t10.0.0.1$"]
  dns_tcp:
    prober: dns
    dns: {preferred_ip_protocol: ip4, transport_protocol: tcp, query_name: shop.example, query_type: SOA}
  dns_missing:
    prober: dns
    dns: {preferred_ip_protocol: ip4, query_name: gone.example, query_type: A}
"""
RECORDS = {
    ("shop.example.", "A"): ["10.0.0.1"],
    ("shop.example.", "SOA"): ["ns.shop.example. host.shop.example. 2026112201 3600 600 86400 300"],
}
# What the newest blackbox_exporter has and Debian's of 2022 lacks, and what is ours.
NEWER = {
    "probe_timeout_seconds", "probe_tls_cipher_info", "probe_failed_due_to_bytes",
    "probe_http_last_modified_timestamp_seconds",
    "probe_failed_reason", "probe_attempts", "probe_first_attempt_success", "probe_first_attempt_failed_reason",
    "probe_tcp_duration_seconds", "probe_tls_certificate_refused", "probe_ssl_last_chain_info",
}  # fmt: skip
# Go writes the year 1 where no chain was verified; a rule on "expires soon" would fire for nothing.
NOT_OURS = {"probe_ssl_last_chain_expiry_timestamp_seconds"}


def families(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Type and label names by metric."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    found = {}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        found[name] = (types[name], frozenset(re.findall(r'(\w+)="', labels)))
    return found


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[str]:
    if PEER is None:
        pytest.skip("blackbox_exporter is not installed (Debian: prometheus-blackbox-exporter)")
    config, port = tmp_path / "blackbox.yml", free_port()
    config.write_text(BLACKBOX)
    command = [PEER, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(60):
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/-/healthy") as response:
                        if response.status == 200:
                            break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def test_same_names_and_verdicts_as_the_peer(start: Start, peer: str, tmp_path: Path) -> None:
    tls = make("localhost").server(tmp_path, "server")
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(serving({"/ok": ok, "/broken": broken}))
        secure = await stack.enter_async_context(serving({"/ok": ok}, tls=tls))
        mail = await stack.enter_async_context(talking(smtp(tls)))
        names = await stack.enter_async_context(name_server(RECORDS))
        running = await start(
            probe={"config_file": str(tmp_path / "blackbox.yml"), "allowed_targets": [
                f"http://127.0.0.1:{site}/*", f"https://127.0.0.1:{secure}/*", "http://127.0.0.1:1/*", "127.0.0.1",
            ]},
        )  # fmt: skip
        cases = [
            ("http_2xx", f"http://127.0.0.1:{site}/ok", 1), ("http_2xx", f"127.0.0.1:{site}/ok", 1),
            ("http_2xx", f"http://127.0.0.1:{site}/broken", 0), ("http_2xx", "http://127.0.0.1:1/", 0),
            ("http_body", f"http://127.0.0.1:{site}/ok", 0), ("http_header", f"http://127.0.0.1:{site}/ok", 1),
            ("https_insecure", f"https://127.0.0.1:{secure}/ok", 1),
            ("https_insecure", f"http://127.0.0.1:{site}/ok", 0),
            ("http_2xx", f"https://127.0.0.1:{secure}/ok", 0),
            ("tcp_connect", f"127.0.0.1:{site}", 1), ("tcp_connect", "127.0.0.1:1", 0),
            ("tcp_tls", f"127.0.0.1:{secure}", 1), ("tcp_tls", f"127.0.0.1:{site}", 0),
            ("smtp_starttls", f"127.0.0.1:{mail}", 1),
            ("dns_a", f"127.0.0.1:{names.port}", 1), ("dns_tcp", f"127.0.0.1:{names.port}", 1),
            ("dns_missing", f"127.0.0.1:{names.port}", 0),
        ]  # fmt: skip
        for module, target, success in cases:
            parameters = {"module": module, "target": target}
            async with running.session.get(f"{peer}/probe", params=parameters) as response:
                theirs = await response.text()
            headers = {"Authorization": f"Bearer {running.token}"}
            async with running.session.get(f"{running.base}/probe", params=parameters, headers=headers) as response:
                ours = await response.text()
            where = f"{module} {target}\n{theirs}\n{ours}"
            assert f"\nprobe_success {success}\n" in theirs, where
            assert f"\nprobe_success {success}\n" in ours, where
            wanted, given = families(theirs), families(ours)
            for name in wanted.keys() & given.keys():
                assert wanted[name][0] == given[name][0], (name, where)
                assert wanted[name][1] <= given[name][1], (name, where)
            hashes = [set(map(float, re.findall("\nprobe_ip_addr_hash (.*)", text))) for text in (theirs, ours)]
            assert hashes[0] == hashes[1], where
            assert wanted.keys() - given.keys() <= NOT_OURS, where
            strange = given.keys() - wanted.keys() - NEWER
            # An untrusted certificate makes theirs tell nothing about it.
            assert not strange or (module == "http_2xx" and target.startswith("https")), (strange, where)


def test_the_peers_own_examples_are_read(tmp_path: Path) -> None:
    folder = Path("/usr/share/doc/prometheus-blackbox-exporter/examples")
    if not folder.is_dir():
        pytest.skip("the examples of Debian's prometheus-blackbox-exporter are not there")
    usual = read_blackbox(folder / "blackbox.yml")
    assert {"http_2xx", "tcp_connect", "icmp", "ssh_banner"} <= usual.by_name.keys()
    assert usual.refused.keys() == {"grpc", "grpc_plain"}
    assert "blackbox.yml:18:3: prober grpc is not supported" in usual.refused["grpc"]
    modules = read_blackbox(folder / "example.yml")
    assert {"http_2xx_example", "smtp_starttls", "dns_soa", "irc_banner_example"} <= modules.by_name.keys()
    assert modules.refused == {}
