"""Login by a provider: the whole way, and each way that it must not go."""

import base64
import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.fixtures.waiting import until
from tests.integration.api.conftest import _add_users as add_users
from tests.integration.api.provider import CLIENT, SECRET, StandInProvider

pytestmark = pytest.mark.integration
LOGIN, CALLBACK = "/api/auth/oidc/login", "/api/auth/oidc/callback"


@pytest.fixture
async def provider():
    stand_in = StandInProvider()
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


@pytest.fixture
async def sso(stand, provider):
    """The API with the provider; the secret lies in a file."""
    await add_users(stand)
    await start(stand, provider)
    return stand


async def start(api, provider, /, local_logins=None, **oidc):
    (api.data / "secret").write_text(SECRET + "\n")
    api.settings = {
        "local_logins": local_logins,
        "oidc": {
            "issuer": provider.issuer, "client_id": CLIENT, "client_secret_file": "secret", "title": "Shop login",
            "roles": {"sre": "operator", "leads": "admin"}, **oidc,
        },
    }  # fmt: skip
    await api.start()
    await until(lambda: api.running.ready() == "")


async def begin(page, where="/"):
    async with page.http.get(LOGIN, params={"next": where}, allow_redirects=False) as answer:
        assert answer.status == 303
        return answer.headers["Location"]


async def end(page, query):
    """Come back with the query; returns where the page is sent then."""
    async with page.http.get(CALLBACK, params=query, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"]


async def go(page, provider, where="/"):
    return await end(page, provider.approve(await begin(page, where)))


async def me(page):
    status, body = await page.get("/api/auth/me")
    page.csrf = body.get("csrf_token", "")
    return body["user"] if status == 200 else status


async def test_a_person_logs_in_works_and_logs_out(sso, provider):
    page = await sso.visitor()
    assert (await page.get("/api/auth/methods"))[1] == {"password": True, "provider": "Shop login"}
    url = await begin(page, "/alerts?severity=critical")
    assert url.startswith(f"{provider.issuer}/authorize?")
    asked = parse_qs(urlsplit(url).query)
    assert asked["redirect_uri"] == ["http://dashboard.example.com/api/auth/oidc/callback"]
    assert await end(page, provider.approve(url, iss=provider.issuer)) == "/alerts?severity=critical"
    assert await me(page) == {"username": "jo", "role": "operator"}
    (cookie,) = page.http.cookie_jar
    assert (cookie.key, cookie["samesite"], cookie["httponly"]) == ("tocsin_session", "Strict", True)
    status, body = await page.post("/api/admin/monitoring/alerts/none/acknowledge")
    assert (status, body["type"]) == (404, "/problems/unknown-alert")
    assert await page.post("/api/auth/logout") == (200, {"logged_out": True, "provider_url": ""})
    assert await me(page) == 401
    audit = await sso.sql("SELECT actor, action, target FROM audit_log ORDER BY id")
    assert [tuple(row) for row in audit] == [
        ("single sign-on", "user_created", "jo"), ("jo", "login", ""), ("jo", "logout", ""),
    ]  # fmt: skip
    assert 'tocsin_api_logins_total{result="accepted_by_provider"} 1.0' in (await page.get("/metrics"))[1]


async def test_the_role_follows_the_provider_and_the_name_stays(sso, provider):
    page = await sso.visitor()
    await go(page, provider)
    other = await sso.visitor()
    provider.person = {"sub": "u-1", "preferred_username": "joanna", "groups": ["staff", "leads", "sre"]}
    await go(other, provider)
    assert await me(other) == await me(page) == {"username": "jo", "role": "admin"}
    provider.person["groups"] = "sre"
    await go(other, provider)
    assert (await me(page))["role"] == "operator"
    roles = await sso.sql("SELECT detail->>'role' FROM audit_log WHERE action = 'role_changed' ORDER BY id")
    assert [row[0] for row in roles] == ["admin", "operator"]


async def test_what_the_id_token_leaves_out_is_asked_for(sso, provider):
    provider.person = {"sub": "u-2"}
    provider.more = {"sub": "u-2", "preferred_username": "kim", "groups": ["leads"], "iss": "someone else"}
    page = await sso.visitor()
    assert await go(page, provider) == "/"
    assert await me(page) == {"username": "kim", "role": "admin"}
    provider.more["sub"] = "u-1"
    assert await go(await sso.visitor(), provider) == "/?login=token"


def _spoil_nonce(provider):
    provider.claims = {"nonce": "x" * 32}


def _drop_nonce(provider):
    provider.claims = {"nonce": None}


def _other_audience(provider):
    provider.claims = {"aud": ["somebody else"]}


def _shared_audience(provider):
    provider.claims = {"aud": [CLIENT, "somebody else"], "azp": "somebody else"}


def _other_issuer(provider):
    provider.claims = {"iss": "https://evil.example.com"}


def _expired(provider):
    provider.claims = {"exp": int(time.time()) - 3600}


def _to_come(provider):
    provider.claims = {"iat": int(time.time()) + 3600}


def _no_expiry(provider):
    provider.claims = {"exp": None}


def _other_access_token(provider):
    provider.claims = {"at_hash": base64.urlsafe_b64encode(b"0" * 16).decode().rstrip("=")}


def _wrong_key_of_that_name(provider):
    provider.new_key("first", publish=False)


def _unknown_key(provider):
    provider.new_key("never told", publish=False)


def _public_key_as_secret(provider):
    provider.forges = True


SPOILS = (
    _spoil_nonce, _drop_nonce, _other_audience, _shared_audience, _other_issuer, _expired, _to_come, _no_expiry,
    _other_access_token, _unknown_key, _wrong_key_of_that_name, _public_key_as_secret,
)  # fmt: skip


async def test_a_token_that_does_not_hold_lets_nobody_in(sso, provider):
    for spoil in SPOILS:
        good = provider.published
        spoil(provider)
        page = await sso.visitor()
        assert await go(page, provider) == "/?login=token", spoil
        assert await me(page) == 401
        provider.claims, provider.forges, provider.key, provider.published = {}, False, good, good
    assert await sso.sql("SELECT 1 FROM users WHERE username = 'jo'") == []
    assert f'result="provider_token"}} {len(SPOILS)}.0' in (await page.get("/metrics"))[1]
    assert await go(page, provider) == "/"


async def test_a_token_without_a_signature_lets_nobody_in(sso, provider, monkeypatch):
    page = await sso.visitor()
    query = provider.approve(await begin(page))
    asked = provider.codes[query["code"]]
    claims = {
        "iss": provider.issuer,
        "aud": CLIENT,
        "exp": time.time() + 99,
        "iat": time.time(),
        "nonce": asked["nonce"],
    }
    parts = ({"alg": "none"}, claims | provider.person)
    token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."

    async def exchange(*_):
        return {"id_token": token, "access_token": ""}

    monkeypatch.setattr(sso.context.oidc._provider, "exchange", exchange)
    assert await end(page, query) == "/?login=token"


async def test_a_key_that_changed_is_learnt(sso, provider):
    assert await go(await sso.visitor(), provider) == "/"
    provider.new_key("second")
    sso.context.oidc._provider._keys = (float("-inf"), sso.context.oidc._provider._keys[1])
    assert await go(await sso.visitor(), provider) == "/"
    asked = provider.asked.count("keys")
    provider.new_key("third", publish=False)
    assert await go(await sso.visitor(), provider) == "/?login=token"
    # A made-up key does not make us ask at every login.
    assert provider.asked.count("keys") == asked


async def test_the_answer_must_be_this_browsers_and_once(sso, provider):
    page, other = await sso.visitor(), await sso.visitor()
    query = provider.approve(await begin(page))
    assert await end(other, query) == "/?login=attempt"
    await begin(other)
    assert await end(other, query) == "/?login=attempt"
    wrong = await sso.visitor()
    right = provider.approve(await begin(wrong))
    assert await end(wrong, right | {"state": "guessed"}) == "/?login=attempt"
    # The failed try used it up.
    assert await end(wrong, right) == "/?login=attempt"
    mixed = await sso.visitor()
    assert await end(mixed, provider.approve(await begin(mixed), iss="https://other.example")) == "/?login=attempt"
    assert await end(page, query) == "/"
    assert await end(page, query) == "/?login=attempt"


async def test_a_stolen_code_is_worth_nothing_without_the_verifier(sso, provider):
    page = await sso.visitor()
    stolen = provider.approve(await begin(page))
    thief = await sso.visitor()
    own = provider.approve(await begin(thief))
    assert await end(thief, own | {"code": stolen["code"]}) == "/?login=refused"


async def test_what_the_provider_refuses_is_told(sso, provider):
    page = await sso.visitor()
    for query, reason in (
        ({"error": "access_denied"}, "denied"),
        ({"error": "server_error"}, "refused"),
        ({}, "refused"),
    ):
        state = provider.approve(await begin(page))["state"]
        assert await end(page, {"state": state, **query}) == f"/?login={reason}"


async def test_who_gets_no_login_is_told_why(sso, provider):
    usual = provider.person
    for person, reason in (
        ({"groups": ["staff"]}, "no_role"), ({"groups": None}, "no_role"), ({"groups": [7, {}]}, "no_role"),
        ({"preferred_username": "jo doe"}, "username"), ({"preferred_username": None}, "username"),
        ({"preferred_username": "admin"}, "name_taken"),
    ):  # fmt: skip
        provider.person = usual | person
        page = await sso.visitor()
        assert await go(page, provider) == f"/?login={reason}"
        assert await me(page) == 401


async def test_an_admin_sees_and_disables_such_a_login(sso, provider):
    page, admin = await sso.visitor(), await sso.log_in("admin")
    await go(page, provider)
    (jo,) = [user for user in (await admin.get("/api/admin/users"))[1]["users"] if user["single_sign_on"]]
    assert jo["username"] == "jo"
    for change in ({"password": "a long new password"}, {"role": "admin"}):
        status, body = await admin.put(f"/api/admin/users/{jo['id']}", change)
        assert (status, body["type"]) == (409, "/problems/single-sign-on")
    assert (await admin.put(f"/api/admin/users/{jo['id']}", {"disabled": True}))[0] == 200
    assert await me(page) == 401
    assert await go(page, provider) == "/?login=disabled"


async def test_passwords_but_one_can_be_switched_off(stand, provider):
    api = stand
    await add_users(api)
    await start(api, provider, local_logins=["admin"])
    page = await api.visitor()
    assert (await page.get("/api/auth/methods"))[1]["password"] is False
    status, body = await page.post("/api/auth/login", {"username": "viewer", "password": "correct horse battery"})
    assert (status, body["type"]) == (403, "/problems/password-login-off")
    assert await me(await api.log_in("admin")) == {"username": "admin", "role": "admin"}


async def test_troubles_of_the_provider_and_ours_are_told_on_the_page(sso, provider):
    page = await sso.visitor()
    client = sso.context.oidc._provider
    for description, broken, reason in (
        ({"issuer": "https://x"}, 0, "misconfigured"), ({"jwks_uri": None}, 0, "misconfigured"), ({}, 500, "away"),
        ({}, 404, "refused"),
    ):  # fmt: skip
        provider.description, provider.broken = description, broken
        assert await begin(page) == f"/?login={reason}"
    provider.description, provider.broken = {}, 0
    client._secret = "an old one"
    assert await go(page, provider) == "/?login=refused"
    client._secret = SECRET
    query = provider.approve(await begin(page))
    await sso.postgres.cut()
    assert await end(page, query) == "/?login=storage"
    await provider.stop()
    assert await end(page, provider.approve(await begin(page))) == "/?login=away"
    client._metadata = None
    assert await begin(page) == "/?login=away"


async def test_logging_out_at_the_provider_too(stand, provider):
    api = stand
    await add_users(api)
    await start(api, provider, logout_at_provider=True)
    page = await api.visitor()
    await go(page, provider)
    await me(page)
    where = (await page.post("/api/auth/logout"))[1]["provider_url"]
    assert where.startswith(f"{provider.issuer}/logout?client_id=tocsin&post_logout_redirect_uri=http%3A%2F%2Fdash")
    local = await api.log_in("viewer")
    assert (await local.post("/api/auth/logout"))[1]["provider_url"] == ""


async def test_without_a_provider_there_is_none(api):
    page = await api.visitor()
    assert (await page.get("/api/auth/methods"))[1] == {"password": True, "provider": None}
    for path in (LOGIN, CALLBACK):
        status, body = await page.get(path)
        assert (status, body["type"]) == (404, "/problems/no-provider")
