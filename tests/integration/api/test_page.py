"""The built page, headers of every answer, sizes, compression, what has not changed."""

import gzip
import os

import pytest

from services.api import app
from services.api.static_files import StaticFiles
from services.common.web import PortTakenError
from tests.integration.api.conftest import Stand

pytestmark = pytest.mark.integration
INDEX = "<!doctype html><title>Tocsin</title>"
SCRIPT = "console.log('x');\n" * 100


@pytest.fixture
def built(tmp_path, monkeypatch):
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / ".digest").write_text("not served")
    (folder / "assets" / "index-abc123.js").write_text(SCRIPT)
    (folder / "assets" / "logo-1.png").write_bytes(b"\x89PNG" + bytes(2000))
    monkeypatch.setattr(app.build, "__kwdefaults__", {"static": folder})
    return folder


async def _get(page, path, **headers):
    async with page.http.get(path, headers=headers, auto_decompress=False) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_every_path_outside_the_api_is_the_page(built, api):
    for path in ["/", "/index.html", "/alerts/0123-4", "/rules", "/.digest", "/a/../b", "/..%2f..%2fx"]:
        status, headers, body = await _get(await api.visitor(), path)
        assert (status, body.decode()) == (200, INDEX), path
        assert headers["Content-Type"] == "text/html; charset=utf-8", path
        assert headers["Cache-Control"] == "no-cache", path


async def test_assets_stay_in_the_browser_and_travel_compressed(built, api):
    page = await api.visitor()
    path = "/assets/index-abc123.js"
    status, headers, body = await _get(page, path, **{"Accept-Encoding": "br, gzip"})
    assert (status, gzip.decompress(body).decode()) == (200, SCRIPT)
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert (headers["Content-Encoding"], headers["Vary"]) == ("gzip", "Accept-Encoding")
    status, plain, body = await _get(page, path, **{"Accept-Encoding": "identity"})
    assert (body.decode(), plain.get("Content-Encoding")) == (SCRIPT, None)
    status, _, body = await _get(page, path, **{"If-None-Match": headers["ETag"]})
    assert (status, body) == (304, b"")
    _, headers, body = await _get(page, "/assets/logo-1.png")
    assert (headers["Content-Type"], len(body), "Content-Encoding" in headers) == ("image/png", 2004, False)
    assert (await _get(page, "/favicon.svg"))[1]["Content-Type"] == "image/svg+xml"
    async with page.http.head("/") as answer:
        assert (answer.status, int(answer.headers["Content-Length"])) == (200, len(INDEX))


async def test_an_asset_of_an_older_build_is_missing_not_the_page(built, api):
    status, headers, body = await _get(await api.visitor(), "/assets/index-old.js")
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert b"Reload the page" in body


async def test_a_new_build_is_served_without_a_restart(built, api):
    page = await api.visitor()
    (built / "index.html").write_text("<!doctype html><title>New</title>")
    os.utime(built / "index.html", ns=(1, 1))
    assert b"New" in (await _get(page, "/"))[2]
    (built / "index.html").unlink()
    assert (await _get(page, "/"))[0] == 503


async def test_without_a_build_it_says_what_to_do(api, stand, tmp_path, monkeypatch):
    await stand.stop()
    monkeypatch.setattr(app.build, "__kwdefaults__", {"static": tmp_path / "nothing"})
    await stand.start()
    status, headers, body = await _get(await stand.visitor(), "/")
    assert (status, headers["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert b"python hatch_build.py" in body
    assert (await (await stand.log_in("viewer")).get("/api/auth/me"))[0] == 200


async def test_reload_reads_the_page_anew(built, api):
    files = api.running._static
    (built / "assets" / "index-abc123.js").write_text("new")
    await api.running.reload()
    assert files._files["/assets/index-abc123.js"].body == b"new"


async def test_security_headers_stand_on_every_answer(built, api):
    for path in ["/", "/api/auth/me", "/api/nothing", "/assets/none.js", "/-/healthy", "/metrics"]:
        _, headers, _ = await _get(await api.visitor(), path, **{"X-Request-Id": "mine-1"})
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["Referrer-Policy"] == "no-referrer", path
        assert headers["X-Request-Id"] == "mine-1", path
        assert "Strict-Transport-Security" not in headers, path
        if path.startswith("/api/"):
            assert headers["Cache-Control"] == "no-store", path


async def test_a_request_gets_an_id_of_ours_unless_it_brings_a_good_one(api):
    for given in ["", "a b", "x" * 65, "new\tline"]:
        _, headers, _ = await _get(await api.visitor(), "/-/healthy", **{"X-Request-Id": given})
        assert len(headers["X-Request-Id"]) == 32, given


async def test_answers_compress_and_tell_when_nothing_changed(api):
    page = await api.log_in("viewer")
    path = "/api/openapi.json"
    status, headers, body = await _get(page, path, **{"Accept-Encoding": "gzip"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == api.context.document
    assert headers["Cache-Control"] == "private, no-cache"
    status, again, body = await _get(page, path, **{"If-None-Match": headers["ETag"]})
    assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
    status, _, _ = await _get(page, path, **{"If-None-Match": 'W/"other"'})
    assert status == 200


async def test_large_and_odd_requests_are_refused(api):
    page = await api.log_in("operator")
    path = "/api/admin/monitoring/alerts/x/acknowledge"
    status, body = await page.post(path, {"comment": "x" * 100_000})
    assert (status, body["type"]) == (413, "/problems/too-large")
    headers = {"X-CSRF-Token": page.csrf}
    async with page.http.post(path, data={"comment": "a form"}, headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["type"]) == (415, "/problems/not-json")
    headers["Content-Type"] = "application/json"
    for raw in (b"{half", b"[]", b"\xff", b'"text"', b"[" * 10_000):
        async with page.http.post(path, data=raw, headers=headers) as answer:
            assert answer.status == 400
    async with page.http.put(path, headers=headers) as answer:
        assert (answer.status, "POST" in answer.headers["Allow"].split(",")) == (405, True)
    async with page.http.post("/", headers=headers) as answer:
        assert answer.status == 405


async def test_an_error_of_ours_shows_nothing_of_its_inside(api, monkeypatch):
    def fail(_now):
        raise RuntimeError("secret inside")

    monkeypatch.setattr(api.context.overview, "realtime", fail)
    page = await api.log_in("viewer")
    status, body = await page.get("/api/admin/monitoring/metrics/realtime", headers={"X-Request-Id": "find-me"})
    assert (status, body["type"]) == (500, "/problems/internal-error")
    assert "find-me" in body["mend"]
    assert "secret" not in str(body)


async def test_health_and_readiness(api):
    page = await api.visitor()
    assert (await page.get("/-/healthy"))[0] == 200
    assert await page.get("/-/ready") == (200, "Ready.\n")


async def test_it_is_not_ready_before_it_knows_any_alerts(stand):
    await stand.postgres.cut()
    await stand.redis.cut()
    await stand.start()
    status, text = await (await stand.visitor()).get("/-/ready")
    assert (status, text) == (
        503,
        "no alerts are loaded yet: neither Postgres nor Redis nor the evaluator has answered\n",
    )
    await stand.postgres.mend()
    await stand.redis.mend()


async def test_a_taken_port_names_the_setting(api, stand):
    other = Stand(stand.stack, stand.data, stand.dsn, stand.redis_url, stand.postgres, stand.redis, stand.evaluator)
    other.settings = {"listen": f"127.0.0.1:{stand.running.port}"}
    with pytest.raises(PortTakenError, match=r"set api\.listen to a free address"):
        await other.start()


async def test_a_stop_right_after_the_start_is_quick(stand):
    for _ in range(3):
        await stand.start()
        await stand.stop()


def test_hidden_files_are_not_served(built):
    assert set(StaticFiles(built)._files) == {
        "/index.html", "/favicon.svg", "/assets/index-abc123.js", "/assets/logo-1.png",
    }  # fmt: skip
