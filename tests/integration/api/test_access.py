"""Who may do what: every route, every role, and nobody."""

import re

import pytest

from services.api import app
from services.api.roles import ROLES, allows
from services.api.routes import ROUTES
from services.common.tokens import hash_token

pytestmark = pytest.mark.integration
# What an empty request to the open routes ends with: a key is as good as a login, so a wrong one is refused.
OPEN = {
    ("POST", "/api/auth/login"): (400, "/problems/invalid-request"),
    ("GET", "/api/auth/methods"): (200, None),
    ("GET", "/api/auth/oidc/login"): (404, "/problems/no-provider"),
    ("GET", "/api/auth/oidc/callback"): (404, "/problems/no-provider"),
    **{
        (method, path): (404, "/problems/unknown-check")
        for method in ("GET", "POST")
        for path in ("/ping/{key}", "/ping/{key}/{kind}")
    },
}


def _path(route):
    return re.sub(r"\{(\w+)\}", lambda name: "start" if name[1] == "kind" else "0", route.path)


async def _status(page, route, **headers):
    headers = {"X-CSRF-Token": page.csrf, "Origin": "http://dashboard.example.com", **headers}
    async with page.http.request(route.method, _path(route), headers=headers) as answer:
        return answer.status, (await answer.json(content_type=None) if "json" in answer.content_type else {})


async def test_every_route_for_every_role_and_for_nobody(whole):
    api = whole
    nobody = await api.visitor()
    pages = {role: await api.log_in(role) for role in ROLES}
    for route in sorted(ROUTES, key=lambda route: route.name == "logOut"):
        status, body = await _status(nobody, route)
        if (route.method, route.path) in OPEN:
            assert route.role is None
            assert (status, body.get("type")) == OPEN[route.method, route.path]
            continue
        assert route.role is not None
        assert (status, body["type"]) == (401, "/problems/not-logged-in"), route.path
        for role, page in pages.items():
            status, body = await _status(page, route)
            if allows(role, route.role):
                assert status not in {401, 403}, (role, route.path, body)
                # No collector runs here, and the stand-in for the evaluator knows few addresses.
                away = {"/problems/collector-away", "/problems/evaluator-away"}
                assert status < 500 or body["type"] in away, (role, route.path, body)
            else:
                assert (status, body["type"]) == (403, "/problems/role-too-low"), (role, route.path)


async def test_every_served_path_is_a_route_or_the_page(stand, monkeypatch):
    served = []

    async def serve(stack, web_app, listen, *, setting, tls):
        served.append(web_app)
        return await real(stack, web_app, listen, setting=setting, tls=tls)

    real = app.serve
    monkeypatch.setattr(app, "serve", serve)
    await stand.start()
    paths = {resource.canonical for resource in served[0].router.resources()}
    # Signed, and checked by the notifier: see test_passthrough.
    passed = {"/ack/{rest}", "/hooks/{rest}", "/api/v1/schedules/{name}.ics"}
    own = {"/-/healthy", "/-/ready", "/metrics", "/{path}"}
    assert paths == {route.path for route in ROUTES} | passed | own


async def test_unknown_addresses_below_api_ask_for_a_login_first(api):
    for path in ["/api", "/api/", "/api/nothing", "/api/admin/monitoring/alerts/x/y"]:
        page = await api.visitor()
        assert (await page.get(path))[0] == 401, path
        page = await api.log_in("viewer")
        status, body = await page.get(path)
        assert (status, body["type"]) == (404, "/problems/not-found"), path


async def test_a_token_works_as_its_role_until_it_is_revoked(api):
    admin = await api.log_in("admin")
    status, made = await admin.post("/api/admin/tokens", {"name": "grafana", "role": "viewer", "expires_in_days": 30})
    assert status == 201
    assert made["expires_at"] - made["created_at"] == 30 * 86_400
    program = await api.visitor(Authorization=f"Bearer {made['token']}")
    assert (await program.get("/api/auth/me"))[1]["user"] == {"username": "token:grafana", "role": "viewer"}
    assert (await program.get("/api/admin/tokens"))[1]["type"] == "/problems/role-too-low"
    stored = await api.sql("SELECT token_hash FROM api_tokens")
    assert stored[0][0] == hash_token(made["token"])
    status, listed = await admin.get("/api/admin/tokens")
    assert [(token["name"], token["last_used_at"] is not None) for token in listed["tokens"]] == [("grafana", True)]
    assert made["token"] not in str(listed)
    assert (await admin.post("/api/admin/tokens", {"name": "grafana", "role": "viewer"}))[0] == 409
    assert (await admin.delete(f"/api/admin/tokens/{made['id']}"))[0] == 204
    assert (await program.get("/api/auth/me"))[0] == 401
    assert (await admin.delete(f"/api/admin/tokens/{made['id']}"))[0] == 404
    assert (await admin.delete("/api/admin/tokens/no-number"))[0] == 404
    # The name is free again.
    assert (await admin.post("/api/admin/tokens", {"name": "grafana", "role": "operator"}))[0] == 201
    audit = await api.sql("SELECT actor, action FROM audit_log WHERE action LIKE 'token%' ORDER BY id")
    assert [tuple(row) for row in audit] == [
        ("admin", "token_created"),
        ("admin", "token_revoked"),
        ("admin", "token_created"),
    ]


async def test_a_program_needs_no_csrf_token_but_its_role(api):
    admin = await api.log_in("admin")
    _, made = await admin.post("/api/admin/tokens", {"name": "bot", "role": "operator"})
    program = await api.visitor(Authorization=f"bearer {made['token']}")
    status, body = await program.post("/api/admin/monitoring/alerts/none/acknowledge")
    assert (status, body["type"]) == (404, "/problems/unknown-alert")
    assert (await program.post("/api/auth/logout"))[0] == 200
    assert (await program.get("/api/auth/me"))[0] == 200


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic YWRtaW46YWRtaW4="])
async def test_other_credentials_are_refused(api, header):
    page = await api.visitor(Authorization=header)
    assert (await page.get("/api/auth/me"))[0] == 401


async def test_metrics_are_open_on_loopback_only(api, stand):
    page = await api.visitor()
    status, text = await page.get("/metrics")
    assert status == 200
    assert "tocsin_api_build_info" in text
    await stand.stop()
    stand.settings = {"listen": "0.0.0.0:0"}
    await stand.start()
    page = await stand.visitor()
    assert (await page.get("/metrics"))[0] == 401
    service = await stand.visitor(Authorization=f"Bearer {stand.evaluator.token}")
    assert (await service.get("/metrics"))[0] == 200
    assert (await service.get("/api/auth/me"))[0] == 401
    viewer = await stand.log_in("viewer")
    assert (await viewer.get("/metrics"))[0] == 200
