"""Logging in: cookies, CSRF, throttling, the end of sessions, and Postgres away."""

import pytest

from services.api import users
from services.common.tokens import hash_token
from tests.integration.api.conftest import PASSWORD

pytestmark = pytest.mark.integration


async def _cookie(api, **login):
    page = await api.visitor()
    async with page.http.post("/api/auth/login", json={"username": "viewer", "password": PASSWORD, **login}) as answer:
        return answer.status, answer.cookies.get("tocsin_session"), answer.headers


async def test_the_cookie_is_closed_to_scripts_and_other_sites(api):
    status, cookie, headers = await _cookie(api)
    assert status == 200
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Strict", "/", "")
    assert int(cookie["max-age"]) == 12 * 3600
    assert headers["Cache-Control"] == "no-store"
    stored = await api.sql("SELECT token_hash FROM sessions")
    assert stored[0][0] == hash_token(cookie.value)


async def test_over_https_the_cookie_is_secure_and_the_browser_stays_on_https(stand):
    await users.create_user(stand.dsn, "viewer", PASSWORD)
    stand.external_url = "https://tocsin.example.com"
    await stand.start()
    _, cookie, headers = await _cookie(stand)
    assert cookie["secure"] is True
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_a_session_from_login_to_logout(api):
    page = await api.log_in("operator")
    status, body = await page.get("/api/auth/me")
    assert (status, body) == (200, {"user": {"username": "operator", "role": "operator"}, "csrf_token": page.csrf})
    assert (await page.post("/api/auth/logout"))[0] == 200
    assert (await page.get("/api/auth/me"))[0] == 401
    assert await api.sql("SELECT 1 FROM sessions") == []
    audit = await api.sql("SELECT actor, action FROM audit_log WHERE actor = 'operator' ORDER BY id")
    assert [tuple(row) for row in audit] == [("operator", "login"), ("operator", "logout")]


async def test_changes_need_the_csrf_token_and_our_own_origin(api):
    page = await api.log_in("operator")
    path = "/api/admin/monitoring/alerts/none/acknowledge"
    for wrong in ("", "guess", "ümlaut".encode().decode("latin-1")):
        status, body = await page.post(path, headers={"X-CSRF-Token": wrong})
        assert (status, body["type"]) == (403, "/problems/csrf")
    for origin in ("https://evil.example.com", "null", api.url.replace("http", "https") + ".evil"):
        status, body = await page.post(path, headers={"Origin": origin})
        assert (status, body["type"]) == (403, "/problems/other-origin")
    for origin in (api.url, "http://dashboard.example.com"):
        assert (await page.post(path, headers={"Origin": origin}))[0] == 404
    other = await api.visitor(Origin="https://evil.example.com")
    assert (await other.post("/api/auth/login", {"username": "viewer", "password": PASSWORD}))[0] == 403


async def test_bad_logins(api):
    for login, status in [
        ({"password": "wrong"}, 401),
        ({"username": "nobody"}, 401),
        ({"username": "VIEWER"}, 401),
        ({"password": ""}, 400),
        ({"username": "a\x00b"}, 400),
        ({"more": 1}, 400),
    ]:
        assert (await _cookie(api, **login))[:2] == (status, None), (login, status)


async def test_a_wrong_name_and_a_wrong_password_read_the_same(api):
    page = await api.visitor()
    answers = [
        await page.post("/api/auth/login", {"username": name, "password": "wrong password"})
        for name in ("viewer", "nobody")
    ]
    assert answers[0] == answers[1]


async def test_a_disabled_user_is_out(api):
    page = await api.log_in("viewer")
    await api.sql("UPDATE users SET disabled_at = now() WHERE username = 'viewer'")
    assert (await _cookie(api))[0] == 401
    await api.running.reload()
    assert (await page.get("/api/auth/me"))[0] == 401


async def test_too_many_failures_are_throttled_for_that_name_only(api):
    page = await api.visitor()
    wrong = {"username": "viewer", "password": "wrong password"}
    statuses = [(await page.post("/api/auth/login", wrong))[0] for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    async with page.http.post("/api/auth/login", json={"username": "viewer", "password": PASSWORD}) as answer:
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 301
        assert "Try again in" in (await answer.json())["mend"]
    await api.log_in("operator")


async def test_an_older_hash_is_made_anew_at_the_next_login(api):
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await api.sql("UPDATE users SET password_hash = $1 WHERE username = 'viewer'", old)
    await api.log_in("viewer")
    renewed = (await api.sql("SELECT password_hash FROM users WHERE username = 'viewer'"))[0][0]
    assert renewed != old
    await api.log_in("viewer")


async def test_who_is_logged_in_stays_so_while_postgres_is_away(api):
    page, stranger = await api.log_in("viewer"), await api.visitor()
    await page.get("/api/auth/me")
    await api.postgres.cut()
    api.running._authenticator._cache._known = {
        key: type(known)(known.identity, known.at - 60) for key, known in _known(api).items()
    }
    assert (await page.get("/api/auth/me"))[0] == 200
    assert (await page.get("/api/admin/monitoring/metrics/realtime"))[0] == 200
    status, body = await stranger.post("/api/auth/login", {"username": "viewer", "password": PASSWORD})
    assert (status, body["type"]) == (503, "/problems/storage-away")
    guess = await api.visitor(Authorization="Bearer unknown")
    assert (await guess.get("/api/auth/me"))[0] == 503
    status, body = await page.get("/api/admin/monitoring/alerts/history")
    assert (status, body["type"]) == (503, "/problems/storage-away")
    await api.postgres.mend()
    await api.log_in("viewer")


def _known(api):
    return api.running._authenticator._cache._known


async def test_a_database_without_tables_is_told(stand):
    await stand.sql("DROP TABLE sessions, users CASCADE")
    await stand.start()
    page = await stand.visitor()
    status, body = await page.post("/api/auth/login", {"username": "viewer", "password": PASSWORD})
    assert (status, body["type"], body["mend"]) == (
        503,
        "/problems/not-migrated",
        "Run `tocsin migrate --config FILE`.",
    )
