import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

import tocsin_client
from tocsin_client import TocsinMiddleware
from tocsin_client.families import FAMILIES
from tocsin_client.tracing import exemplar_of, from_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = (b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


async def answer(scope, receive, send) -> None:
    scope["route"] = type("Route", (), {"path": "/items/{item}"})()
    if scope["path"] == "/fail":
        raise LookupError("no such item")
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def call(
    app: Any, path: str = "/items/1", headers: list[tuple[bytes, bytes]] | None = None, method: str = "GET"
) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(_message: dict[str, Any]) -> None:
        pass

    asyncio.run(app({"type": "http", "method": method, "path": path, "headers": headers or []}, receive, send))


def test_each_family_has_a_file_and_each_file_a_line() -> None:
    assert tocsin_client.__file__
    files = {path.stem for path in Path(tocsin_client.__file__).parent.glob("*_metrics.py")} - {"websocket_metrics"}
    assert {name for name, _ in FAMILIES} == {"instrumentator", "fastapi", "otel"}
    assert files == {"http_metrics", "fastapi_metrics", "otel_metrics"}


def test_grafanas_names(registry) -> None:
    app = TocsinMiddleware(answer, registry=registry, compat=["fastapi"], app_name="shop")
    call(app)
    with pytest.raises(LookupError):
        call(app, "/fail", method="BREW")
    where = {"method": "GET", "path": "/items/{item}", "app_name": "shop"}
    value = registry.get_sample_value
    assert value("fastapi_app_info", {"app_name": "shop"}) == 1
    assert value("fastapi_requests_total", where) == 1
    assert value("fastapi_responses_total", {**where, "status_code": "201"}) == 1
    assert value("fastapi_requests_duration_seconds_count", where) == 1
    assert value("fastapi_exceptions_total", {**where, "method": "OTHER", "exception_type": "LookupError"}) == 1
    assert value("fastapi_requests_in_progress", {**where, "path": ""}) == 0
    assert value("http_requests_total", {"handler": "/items/{item}", "method": "GET", "status": "2xx"}) is None


def test_opentelemetrys_names_beside_the_instrumentators(registry) -> None:
    app = TocsinMiddleware(answer, registry=registry, compat=["otel", "instrumentator", "otel"])
    call(app)
    with pytest.raises(LookupError):
        call(app, "/fail", method="BREW")
    where = {"http_request_method": "GET", "http_route": "/items/{item}", "http_response_status_code": "201"}
    value = registry.get_sample_value
    assert value("http_server_request_duration_seconds_count", {**where, "error_type": ""}) == 1
    failed = {"http_request_method": "_OTHER", "http_response_status_code": "500", "error_type": "LookupError"}
    assert value("http_server_request_duration_seconds_count", {**where, **failed}) == 1
    assert value("http_server_active_requests", {"http_request_method": "GET"}) == 0
    assert value("http_requests_total", {"handler": "/items/{item}", "method": "GET", "status": "2xx"}) == 1


def test_an_unknown_family_is_refused(registry) -> None:
    with pytest.raises(ValueError, match="compat takes: instrumentator, fastapi, otel"):
        TocsinMiddleware(answer, registry=registry, compat=["statsd"])


def test_exemplars_by_the_traceparent_header(registry) -> None:
    app = TocsinMiddleware(answer, registry=registry, compat=["instrumentator", "fastapi", "otel"])
    call(app, headers=[PARENT, (b"content-length", b"7")])
    text = generate_latest(registry).decode()
    wanted = ("http_request_duration_seconds_bucket", "http_request_duration_highr_seconds_bucket",
              "http_requests_total", "fastapi_requests_duration_seconds_bucket",
              "http_server_request_duration_seconds_bucket")  # fmt: skip
    for name in wanted:
        lines = [line for line in text.splitlines() if line.startswith(name + "{") and "# {" in line]
        assert len(lines) == 1, name
        assert f'# {{trace_id="{TRACE}"}}' in lines[0]


def test_exemplars_by_the_apps_own_tracer(registry) -> None:
    ids = iter(["own-id", None])
    app = TocsinMiddleware(answer, registry=registry, trace_id=lambda: next(ids))
    call(app, headers=[PARENT])
    assert 'trace_id="own-id"' in generate_latest(registry).decode()
    call(app, headers=[PARENT])
    assert f'trace_id="{TRACE}"' in generate_latest(registry).decode()


@pytest.mark.parametrize(
    "value", [b"", b"x", b"00-0-0-0", b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01", b"00-" + b"G" * 32 + b"-1-01"]
)
def test_what_is_no_traceparent(value: bytes) -> None:
    assert from_traceparent(value) is None


def test_too_long_for_an_exemplar() -> None:
    assert exemplar_of("x" * 64) == {"trace_id": "x" * 64}
    assert exemplar_of("x" * 65) is None
    assert exemplar_of("") is None
