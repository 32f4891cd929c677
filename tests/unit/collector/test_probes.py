"""Probes' pure parts: patterns, names, sizes, records, packets, allow-lists, modules."""

import ipaddress
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.collector import probes
from services.collector.allow import allows, check_allowed
from services.collector.probes import PROBERS
from services.collector.probes.client_config import ClientAuth
from services.collector.probes.dns import RecordRules
from services.collector.probes.handshake import _readable, certificates_of
from services.collector.probes.http_config import HttpModule, parse_size
from services.collector.probes.icmp import checksum
from services.collector.probes.modules import Module, default_modules, read_blackbox
from services.collector.probes.names import Names, _parse_hosts, parse_server
from services.collector.probes.regex import compiled, expand, matches
from services.collector.probes.stream import split_target
from services.collector.reasons import Reason, ScrapeError
from services.common.config import ConfigError


def test_folder_and_registry_agree() -> None:
    folder = Path(probes.__file__).parent
    found = {path.stem for path in folder.glob("*.py") if "\nPROBER = Prober(" in path.read_text()}
    assert found == {prober.key for prober in PROBERS}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$1-${2}", "a-b"),
        ("$name", "b"),
        ("${name}x", "bx"),
        ("$namex", ""),
        ("$9", ""),
        ("$$1", "$1"),
        ("plain", "plain"),
        ("$1$0", "aab"),
        ("a$", "a$"),
    ],
)
def test_references_to_groups_are_go_s(template: str, text: str) -> None:
    assert expand(template, compiled(r"(a)(?P<name>b)").search("ab")) == text


def test_patterns_are_re2() -> None:
    assert matches("^b", "b")
    assert not matches("^b", "ab")
    with pytest.raises(ValueError, match="not a regular expression of RE2"):
        compiled("(?=x)")
    assert not matches("(x+x+)+y", "x" * 5_000)


@pytest.mark.parametrize(
    ("value", "size"), [(0, 0), (7, 7), ("10MB", 10 << 20), ("1 KiB", 1024), ("3g", 3 << 30), ("5B", 5)]
)
def test_sizes(value: Any, size: int) -> None:
    assert parse_size(value) == size


@pytest.mark.parametrize("value", [-1, True, "", "MB", "1PB", "1.5MB", None])
def test_bad_sizes(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(value)


@pytest.mark.parametrize(
    ("text", "default", "split"),
    [
        ("db:5432", None, ("db", 5432)),
        ("[::1]:53", None, ("::1", 53)),
        ("db", 53, ("db", 53)),
        ("::1", 53, ("::1", 53)),
        ("10.0.0.1", 53, ("10.0.0.1", 53)),
        ("ns:5353", 53, ("ns", 5353)),
    ],
)
def test_targets_are_split(text: str, default: int | None, split: tuple[str, int]) -> None:
    assert split_target(text, default) == split


@pytest.mark.parametrize("text", ["db", ":1", "db:", "db:0", "db:65536", "db:x", "http://db:1", "a b:1", "u@db:1", ""])
def test_bad_targets(text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        split_target(text)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("10.0.0.2", ("10.0.0.2", 53)),
        ("10.0.0.2:5353", ("10.0.0.2", 5353)),
        ("::1", ("::1", 53)),
        ("[::1]:5", ("::1", 5)),
    ],
)
def test_name_servers(text: str, server: tuple[str, int]) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize("text", ["ns.example", "10.0.0.2:0", "10.0.0.2:x", "", "[::1]:99999"])
def test_bad_name_servers(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_server(text)


def test_hosts_file() -> None:
    text = "127.0.0.1 localhost Vm # here\n\n# ::2 x\n::1 localhost ip6\nbroken\n"
    assert _parse_hosts(text) == {"localhost": ["127.0.0.1", "::1"], "vm": ["127.0.0.1"], "ip6": ["::1"]}


async def test_families_are_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    monkeypatch.setattr("services.collector.probes.names._HOSTS", hosts)
    names = Names(("127.0.0.1:1",))
    with pytest.raises(ScrapeError, match="can't be looked up"):
        await names.look_up("both", 0.05)
    hosts.write_text("10.0.0.1 both four\n::1 both\n")
    assert await names.look_up("both", 1) == ["10.0.0.1", "::1"]
    assert await names.look_up("BOTH.", 1, "ip6") == ["::1"]
    assert await names.look_up("four", 1, "ip6") == ["10.0.0.1"]
    assert await names.look_up("[fe80::1%eth0]", 1) == ["fe80::1%eth0"]
    with pytest.raises(ScrapeError) as caught:
        await names.look_up("four", 1, "ip6", fallback=False)
    assert caught.value.reason is Reason.DNS


RECORDS = ["a\t300\tIN\tA\t10.0.0.1", "a\t300\tIN\tA\t10.0.0.2"]


@pytest.mark.parametrize(
    ("rules", "records", "right"),
    [
        ({}, [], True),
        ({}, RECORDS, True),
        ({"fail_if_matches_regexp": ["0.1$"]}, RECORDS, False),
        ({"fail_if_matches_regexp": ["x"]}, RECORDS, True),
        ({"fail_if_matches_regexp": ["x"]}, [], True),
        ({"fail_if_not_matches_regexp": ["10.0"]}, RECORDS, True),
        ({"fail_if_not_matches_regexp": ["0.1$"]}, RECORDS, False),
        ({"fail_if_not_matches_regexp": ["x"]}, [], False),
        ({"fail_if_all_match_regexp": ["10.0"]}, RECORDS, False),
        ({"fail_if_all_match_regexp": ["0.1$"]}, RECORDS, True),
        ({"fail_if_all_match_regexp": ["x"]}, [], True),
        ({"fail_if_none_matches_regexp": ["0.1$"]}, RECORDS, True),
        ({"fail_if_none_matches_regexp": ["x"]}, RECORDS, False),
        ({"fail_if_none_matches_regexp": ["x"]}, [], False),
    ],
)
def test_records_are_judged(rules: dict[str, Any], records: list[str], right: bool) -> None:
    assert (RecordRules.model_validate(rules).problem(records) == "") is right


@given(st.binary(max_size=200))
def test_a_checksum_of_what_bears_its_checksum_is_zero(data: bytes) -> None:
    even = data + b"\0" * (len(data) % 2)
    assert checksum(even + struct.pack("!H", checksum(even))) == 0


def message(certificates: list[bytes], *, tls13: bool) -> bytes:
    entries = b"".join(len(der).to_bytes(3, "big") + der + (b"\0\2xx" if tls13 else b"") for der in certificates)
    body = (b"\3ctx" if tls13 else b"") + len(entries).to_bytes(3, "big") + entries
    return b"\x0b" + len(body).to_bytes(3, "big") + body


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5), st.booleans(), st.integers(min_value=0))
def test_certificates_are_found_in_any_message(certificates: list[bytes], tls13: bool, cut: int) -> None:
    whole = message(certificates, tls13=tls13)
    assert list(certificates_of(whole, tls13=tls13)) == certificates
    part = certificates_of(whole[: cut % (len(whole) + 1)], tls13=tls13)
    assert list(part) == certificates[: len(part)]


@given(st.binary(max_size=300), st.booleans())
def test_no_message_breaks_the_reader(data: bytes, tls13: bool) -> None:
    certificates_of(data, tls13=tls13)


def test_certificates_that_can_not_be_read_are_left_out() -> None:
    assert _readable((b"", b"no certificate", b"\x30\x00")) == []


ALLOWED = [
    ("http://shop:80/*", "http://shop:80/a?b", True),
    ("http://shop:80/*", "http://shop:8080/", False),
    ("http://shop/x", "http://shop/x", True),
    ("http://shop/x", "http://shop/x/y", False),
    ("http://shop/x", "http://shop/x?q", False),
    ("http://shop/a/*", "http://shop/a/b", True),
    ("http://shop/a/*", "http://shop/ab", False),
    ("http://shop/*", "http://SHOP/a", True),
    ("http://shop/*", "https://shop/a", False),
    ("http://shop/*", "http://shop.evil/a", False),
    ("http://shop/*", "http://shop@evil/a", False),
    ("http://shop/*", "http://evil/?http://shop/a", False),
    ("https://*.shop.example/*", "https://a.shop.example/x", True),
    ("https://*.shop.example/*", "https://shop.example/x", False),
    ("https://*.shop.example/*", "https://evilshop.example/x", False),
    ("https://*.shop.example/*", "https://evil/.shop.example/", False),
    ("db:5432", "db:5432", True),
    ("db:5432", "db:5433", False),
    ("db", "db:5433", True),
    ("db", "db", True),
    ("db:5432", "db", False),
    ("*.shop.example:25", "mx.shop.example:25", True),
    ("*.shop.example:25", "mx.shop.example:26", False),
    ("10.1.0.0/16", "10.1.2.3:80", True),
    ("10.1.0.0/16", "10.1.2.3", True),
    ("10.1.0.0/16", "10.2.0.1:80", False),
    ("10.1.0.0/16", "http://10.1.2.3/", False),
    ("10.1.0.0/16", "name:80", False),
    ("fd00::/32", "[fd00::1]:80", True),
    ("[::1]:80", "[::1]:80", True),
    ("ws://shop/ws", "ws://shop/ws", True),
]


@pytest.mark.parametrize(("pattern", "target", "allowed"), ALLOWED)
def test_what_may_be_probed(pattern: str, target: str, allowed: bool) -> None:
    assert allows(check_allowed(pattern), target) is allowed


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "http://*",
        "http://*/x",
        "shop/*",
        "http://a@b/*",
        "http://shop/*/x",
        "http://",
        "",
        "0.0.0.0/0",
        "10.0.0.0/4",
        "::/0",
        "*.example",
        "*.",
        "http://shop/a*",
        "shop:*",
        "a b",
        "HTTP ://x/",
        "*:80",
        "http://shop:x/*",
    ],
)
def test_what_is_too_wide(pattern: str) -> None:
    with pytest.raises(ValueError, match="too wide"):
        check_allowed(pattern)


@given(st.ip_addresses(v=4), st.integers(min_value=8, max_value=32))
def test_networks_allow_what_is_inside(address: ipaddress.IPv4Address, bits: int) -> None:
    network = ipaddress.ip_network(f"{address}/{bits}", strict=False)
    assert allows(str(network), f"{address}:80")


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ({"method": "BREW"}, "Input should be"),
        ({"compression": "zstd"}, "Input should be"),
        ({"body": "x", "body_file": "y"}, "either body or"),
        ({"fail_if_ssl": True, "fail_if_not_ssl": True}, "fail always"),
        ({"valid_http_versions": ["HTTP/2.0"]}, "HTTP/1.1"),
        ({"headers": {"Accept-Encoding": "br"}, "compression": "gzip"}, "does not accept"),
        ({"headers": {"accept-encoding": "gzip;q=0"}, "compression": "gzip"}, "does not accept"),
        ({"fail_if_body_json_matches_cel": "body.x"}, "use fail_if_body_matches_regexp"),
        ({"oauth2": {"client_id": "x"}}, "token_url"),
        ({"oauth2": {"client_id": "x", "token_url": "http://a/", "client_certificate_key_file": "k"}}, "signed assert"),
        ({"oauth2": {"client_id": "x", "token_url": "http://a/"}, "bearer_token": "x"}, "only one of"),
        ({"proxy_from_environment": True}, "write the proxy"),
        ({"no_proxy": "x"}, "proxy_url only to"),
        ({"fail_if_header_matches": [{"header": "A"}]}, "required"),
        ({"fail_if_body_matches_regexp": ["("]}, "RE2"),
        ({"basic_auth": {}, "bearer_token": "x"}, "only one of"),
        ({"tls_config": {"cert_file": "x"}}, "go together"),
        ({"tls_config": {"ca": "x", "ca_file": "y"}}, "either ca or"),
        ({"preferred_ip_protocol": "ip5"}, "ip4"),
        ({"body_size_limit": "much"}, "not a size"),
    ],
)
def test_what_can_not_be_done_is_named(module: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        HttpModule.model_validate(module)


def test_what_has_no_effect_is_taken() -> None:
    keys = {
        "no_follow_redirects": True,
        "enable_http2": True,
        "proxy_from_environment": False,
        "no_proxy": "",
        "skip_resolve_phase_with_proxy": True,
        "valid_http_versions": ["HTTP/1.1", "HTTP/2.0"],
        "verify_tls": False,
        "headers": {"Accept-Encoding": "br, *;q=0.1"},
        "compression": "gzip",
        "fail_if_body_json_matches_cel": None,
    }
    module = HttpModule.model_validate(keys)
    assert not module.follow_redirects
    assert module.tls_config.insecure_skip_verify


def test_headers_come_from_everywhere(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    for keys, expected in [
        ({"bearer_token": "a"}, "Bearer a"),
        ({"bearer_token_file": "token"}, "Bearer from-file"),
        ({"authorization": {"type": "Token", "credentials_file": "token"}}, "Token from-file"),
        ({"basic_auth": {"username": "u", "password_file": "token"}}, "Basic dTpmcm9tLWZpbGU="),
        ({"basic_auth": {"username_file": "token"}}, "Basic ZnJvbS1maWxlOg=="),
    ]:
        assert HttpModule.model_validate(keys).all_headers(tmp_path)["Authorization"] == expected
        assert "from-file" not in repr(HttpModule.model_validate(keys))
    more = {"http_headers": {"X-A": {"values": ["1"], "secrets": ["2"], "files": ["token"]}}, "headers": {"host": "h"}}
    headers = HttpModule.model_validate(more).all_headers(tmp_path, "other.example")
    assert headers.getall("X-A") == ["1", "2", "from-file"]
    assert headers["Host"] == "h"
    with pytest.raises(ConfigError, match="gone"):
        ClientAuth.model_validate({"bearer_token_file": "gone"}).auth_headers(tmp_path)
    with pytest.raises(ConfigError, match="gone"):
        HttpModule.model_validate({"body_file": "gone"}).payload(tmp_path)
    assert HttpModule.model_validate({"body_file": "token"}).payload(tmp_path) == b"from-file\n"


MODULES = [
    ("{prober: carrier-pigeon}", "give a prober"),
    ("{timeout: 1s}", "give a prober"),
    ("{prober: http, http: {oauth2: {}, fail_if_sll: true}}", "unknown key"),
    ("{prober: http, tcp: {}}", "section tcp has no effect"),
    ("{http: {}, tcp: {}}", "give a prober"),
    ("{prober: dns}", "query_name"),
    ("{prober: dns, dns: {query_name: ''}}", "at least 1"),
    ("{dns: {query_name: a, query_type: Z9}}", "not a type"),
    ("{dns: {query_name: a, query_class: Z9}}", "not a class"),
    ("{dns: {query_name: a, valid_rcodes: [OK]}}", "not a response code"),
    ("{dns: {query_name: a, dns_over_tls: true}}", "transport_protocol: tcp"),
    ("{icmp: {ttl: 256}}", "less than or equal"),
    ("{tcp: {query_response: [{expect: a, expect_bytes: b}]}}", "either expect or"),
    ("{tcp: {query_response: [{labels: [{name: a}]}]}}", "labels need expect"),
    ("{websocket: {query_response: [{starttls: true}]}}", "wss://"),
    ("{http: {}, timeout: 0}", "greater than 0"),
    ("[]", "valid dict"),
]


@pytest.mark.parametrize(("text", "message"), MODULES)
def test_mistakes_in_blackbox_yml_are_named_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "blackbox.yml"
    file.write_text(f"modules:\n  good: {{prober: http}}\n  bad: {text}\n")
    with pytest.raises(ConfigError, match=message) as caught:
        read_blackbox(file)
    assert f"{file}:3:" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{prober: unix}", "prober unix is not supported: probe the server by its port"),
        ("{prober: grpc, grpc: {tls: true}}", "prober grpc is not supported: use prober tcp"),
        ("{http: {oauth2: {client_id: x, client_certificate_key: k}}}", "oauth2 with a signed assertion is not"),
        ("{http: {no_proxy: x}}", "no_proxy is not supported: give"),
        ("{http: {fail_if_body_json_matches_cel: x}}", "fail_if_body_json_matches_cel is not supported: use"),
    ],
)
def test_what_is_not_supported_costs_only_its_module(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "blackbox.yml"
    file.write_text(f"modules:\n  good: {{prober: http}}\n  other: {text}\n")
    found = read_blackbox(file)
    assert found.by_name.keys() == {"good"}
    assert found.refused.keys() == {"other"}
    assert found.refused["other"].startswith(f"{file}:3:")
    assert why in found.refused["other"]


def test_websocket_modules_of_blackbox_are_read() -> None:
    keys = {"http_config": {"tls_config": {"insecure_skip_verify": True}, "headers": {"A": ["1", "2"], "B": "3"}}}
    module = Module.model_validate({"prober": "websocket", "websocket": keys})
    assert module.tool.key == "websocket"
    assert module.settings.tls_config.insecure_skip_verify  # type: ignore[attr-defined]  # the model is made from the registry
    assert default_modules().keys() >= {"http_2xx", "tcp_connect", "icmp", "websocket"}
