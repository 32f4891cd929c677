"""Settings, roles from claims, and what a browser keeps during a login."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.api.oidc import attempt
from services.api.oidc.attempt import Return, local_path, resume, start
from services.api.oidc.claims import lacks, person_of
from services.api.oidc.config import OidcConfig
from services.api.oidc.error import OidcError
from services.api.oidc.login import open_provider
from services.common.config import ConfigError
from services.common.testing.clock import ManualClock

NOW = 1_800_000_000.0
ISSUER = "https://id.example.com/realm"


def config(**more):
    return OidcConfig.model_validate(
        {"issuer": ISSUER, "client_id": "tocsin", "roles": {"sre": "operator", "leads": "admin"}} | more
    )


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ({"issuer": "http://id.example.com"}, "https://"),
        ({"issuer": "id.example.com"}, "https://"),
        ({"scopes": ["profile"]}, "openid"),
        ({"roles": {}}, "nobody would get in"),
        ({"roles": {"sre": "root"}}, "viewer"),
        ({"algorithms": ["none"]}, "RS256"),
        ({"algorithms": ["HS256"]}, "RS256"),
        ({"algorithms": []}, "at least 1"),
        ({"client_secret": "a", "client_secret_file": "b"}, "not both"),
    ],
)
def test_settings_that_would_be_unsafe_or_useless_are_refused(mistake, told):
    with pytest.raises(ValidationError, match=told):
        config(**mistake)


def test_a_provider_on_the_same_machine_needs_no_https():
    assert config(issuer="http://localhost:8081/x").issuer == "http://localhost:8081/x"


def test_files_that_cant_be_read_are_named(tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        open_provider(config(client_secret_file="nowhere"), tmp_path, ManualClock(NOW))
    with pytest.raises(ConfigError, match=r"api\.oidc\.ca_file: .*ca\.pem"):
        open_provider(config(ca_file="ca.pem"), tmp_path, ManualClock(NOW))


@pytest.mark.parametrize(
    ("claims", "settings", "role"),
    [
        ({"groups": ["sre"]}, {}, "operator"),
        ({"groups": ["sre", "leads", "staff"]}, {}, "admin"),
        ({"groups": "leads"}, {}, "admin"),
        ({"groups": []}, {"default_role": "viewer"}, "viewer"),
        ({}, {"default_role": "viewer"}, "viewer"),
        ({"groups": ["sre"]}, {"default_role": "viewer"}, "operator"),
        ({"realm_access": {"roles": ["leads"]}}, {"role_claim": "realm_access.roles"}, "admin"),
        ({"https://shop.example/roles": ["sre"]}, {"role_claim": "https://shop.example/roles"}, "operator"),
        ({"realm_access": "no mapping"}, {"role_claim": "realm_access.roles", "default_role": "viewer"}, "viewer"),
    ],
)
def test_roles_come_from_the_claim(claims, settings, role):
    person = person_of({"sub": "1", "preferred_username": "jo", **claims}, config(**settings))
    assert (person.issuer, person.subject, person.username, person.role) == (ISSUER, "1", "jo", role)


@pytest.mark.parametrize("username", ["", "jo doe", "jo/doe", "x" * 65, None, 7, ["jo"]])
def test_what_is_no_username_is_named_with_the_setting(username):
    with pytest.raises(OidcError, match="username_claim") as refused:
        person_of({"sub": "1", "preferred_username": username, "groups": ["sre"]}, config())
    assert refused.value.reason == "username"


def test_the_userinfo_is_needed_only_for_what_is_missing():
    whole = {"preferred_username": "jo", "groups": []}
    assert not lacks(whole, config())
    assert lacks({"groups": []}, config())
    assert lacks({"preferred_username": "jo"}, config())
    assert lacks(whole, config(username_claim="email"))


def test_a_login_keeps_what_it_needs_in_the_browser():
    begun = start("/alerts?name=X", NOW)
    query = parse_qs(urlsplit(begun.url("https://id.example.com/auth?tenant=1", config(), "https://t/cb")).query)
    assert query["tenant"] == ["1"]
    assert (query["state"], query["nonce"]) == ([begun.state], [begun.nonce])
    assert begun.verifier not in str(query)
    back = Return(begun.state, "code", "", "")
    assert resume(begun.cookie(), back, ISSUER, NOW + attempt.SECONDS) == begun
    assert len({start("/", NOW).state for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("cookie", "now"),
    [("", NOW), ("%%%", NOW), (base64.urlsafe_b64encode(b"{}").decode(), NOW), (None, NOW + 601), (None, NOW - 1)],
)
def test_a_login_that_is_not_there_or_too_old_is_refused(cookie, now):
    begun = start("/", NOW)
    with pytest.raises(OidcError) as refused:
        resume(begun.cookie() if cookie is None else cookie, Return(begun.state, "code", "", ""), ISSUER, now)
    assert refused.value.reason == "attempt"


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ("/alerts?a=b#c", "/alerts?a=b#c"), ("", "/"), ("alerts", "/"), ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"), ("/\t/evil.example", "/"), ("/a\r\nSet-Cookie: x", "/"), ("/ä", "/"),
    ],
)  # fmt: skip
def test_the_way_on_stays_on_this_site(where, path):
    assert local_path(where) == path


@given(st.text(max_size=40))
def test_no_address_leads_elsewhere(where):
    path = local_path(where)
    parts = urlsplit(path)
    assert path.startswith("/")
    assert (parts.scheme, parts.netloc) == ("", "")
    assert path.isprintable()
