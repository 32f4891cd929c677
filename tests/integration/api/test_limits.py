"""Requests beyond a client's rate, and too large ones."""

import pytest

from tests.integration.api.conftest import PASSWORD

pytestmark = pytest.mark.integration
ME = "/api/auth/me"


async def _start(stand, **limits):
    # Hardly anything comes back while the test runs.
    await stand.stop()
    stand.settings = {"rate_limits": {"per_second": 0.001, "anonymous_per_second": 0.001, **limits}}
    await stand.start()


async def test_a_login_has_its_burst_and_others_are_not_counted_with_it(api):
    await _start(api, burst=3)
    page = await api.log_in("viewer")
    assert [(await page.get(ME))[0] for _ in range(3)] == [200] * 3
    async with page.http.get(ME) as refused:
        body = await refused.json(content_type=None)
        assert (refused.status, body["type"]) == (429, "/problems/too-many-requests")
        assert int(refused.headers["Retry-After"]) > 900
        assert "api.rate_limits" in body["mend"]
    other = await api.log_in("operator")
    assert (await other.get(ME))[0] == 200
    # The dashboard's own files, health and metrics are not counted.
    assert {(await page.get(path))[0] for path in ("/", "/-/ready", "/metrics")} == {200}
    assert 'tocsin_api_rate_limited_total{by="login"} 1.0' in (await page.get("/metrics"))[1]


async def test_a_flood_of_wrong_tokens_is_not_looked_up_and_harms_nobody_who_is_in(api):
    await _start(api, anonymous_burst=4)
    page = await api.log_in("viewer")
    assert (await page.get(ME))[0] == 200
    flood = await api.visitor(Authorization="Bearer wrong")
    assert [(await flood.get(ME))[0] for _ in range(4)] == [401, 401, 401, 429]
    looked_up = []

    async def find_token(key):
        looked_up.append(key)

    api.context.auth_store.find_token = find_token
    assert (await flood.get(ME))[0] == 429
    assert looked_up == []
    assert (await page.get(ME))[0] == 200
    status, body = await flood.post("/api/auth/login", {"username": "admin", "password": PASSWORD})
    assert (status, body["type"]) == (429, "/problems/too-many-requests")
    assert (await flood.post("/ping/none"))[0] == 429


async def test_behind_a_trusted_proxy_each_address_counts_for_itself(api):
    await api.stop()
    api.settings = {
        "trusted_proxies": ["127.0.0.1/32"],
        "rate_limits": {"anonymous_per_second": 0.001, "anonymous_burst": 1},
    }
    await api.start()
    page = await api.visitor()
    for address in ("192.0.2.1", "192.0.2.2"):
        headers = {"X-Forwarded-For": address}
        assert (await page.get(ME, headers=headers))[0] == 401
        assert (await page.get(ME, headers=headers))[0] == 429


async def test_a_body_beyond_the_limit_is_refused(api):
    page = await api.log_in("operator")
    async with page.http.post(
        "/api/admin/monitoring/alerts/x/acknowledge",
        data=b'{"comment": "' + b"x" * 70_000 + b'"}',
        headers={"X-CSRF-Token": page.csrf, "Content-Type": "application/json"},
    ) as answer:
        body = await answer.json(content_type=None)
        assert (answer.status, body["type"]) == (413, "/problems/too-large")
