"""The document against the routes, and the routes against their folder."""

import json
import pkgutil
import subprocess
import sys

import pytest

from services.api import routes
from services.api.openapi import build_document, document_bytes
from services.api.roles import ROLES
from services.api.routes import ROUTES

DOCUMENT = build_document()
OPERATIONS = [
    (path, method, operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
]


def test_the_folder_and_the_tuple_agree():
    folder = {module.name for module in pkgutil.iter_modules(routes.__path__)}
    assert {route.handler.__module__.rpartition(".")[2] for route in ROUTES} == folder


def test_every_route_is_in_the_document_once():
    described = {(method.upper(), path) for path, method, _ in OPERATIONS}
    assert described == {(route.method, route.path) for route in ROUTES}
    assert len(described) == len(ROUTES) == len({route.name for route in ROUTES})


def test_only_the_login_and_reports_of_jobs_are_open():
    opened = [operation["operationId"] for _, _, operation in OPERATIONS if not operation["security"]]
    assert opened == [
        "logIn",
        "getLoginMethods",
        "beginProviderLogin",
        "finishProviderLogin",
        "ping",
        "pingByGet",
        "pingKind",
        "pingKindByGet",
    ]


def test_a_body_that_is_no_json_is_described_as_what_it_is():
    posted, got = (DOCUMENT["paths"]["/ping/{key}"][method] for method in ("post", "get"))
    assert posted["requestBody"] == {"required": False, "content": {"text/plain": {"schema": {"type": "string"}}}}
    assert "requestBody" not in got
    assert list(got["responses"]["200"]["content"]) == ["text/plain"]
    assert {route.role for route in ROUTES} <= {None, *ROLES}


def _references(value):
    if isinstance(value, dict):
        yield from [value["$ref"]] if "$ref" in value else []
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def test_every_reference_leads_somewhere_and_every_schema_is_used():
    wanted = {reference.rpartition("/")[2] for reference in _references(DOCUMENT)}
    schemas = set(DOCUMENT["components"]["schemas"])
    assert wanted <= schemas
    assert schemas - wanted == {"LiveSnapshot", "LiveChanges", "LivePing"}


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_operations_are_complete(path, method, operation):
    named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
    assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    assert operation["summary"]
    statuses = set(operation["responses"])
    assert {"400", "500"} <= statuses
    if operation["security"]:
        assert {"401", "403", "503"} <= statuses
    for status, answer in operation["responses"].items():
        if status >= "400":
            assert list(answer["content"]) == ["application/problem+json"]
    if method == "post":
        assert {"413", "415"} <= statuses


def test_the_historys_parameters_are_plain():
    history = DOCUMENT["paths"]["/api/admin/monitoring/alerts/history"]["get"]
    found = {parameter["name"]: parameter for parameter in history["parameters"]}
    assert set(found) == {
        "limit",
        "cursor",
        "severity",
        "category",
        "component",
        "status",
        "name",
        "fingerprint",
        "text",
        "since",
        "until",
    }
    assert found["limit"]["schema"] == {"default": 50, "maximum": 500, "minimum": 1, "type": "integer"}
    assert found["severity"]["schema"]["enum"] == ["critical", "warning", "info"]
    assert not any(parameter["required"] for parameter in found.values())


def test_what_is_always_sent_is_required_in_the_types():
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Panel"]["required"]) == set(schemas["Panel"]["properties"])
    assert set(schemas["TimelineEntry"]["required"]) == set(schemas["TimelineEntry"]["properties"])
    assert set(schemas["LiveChanges"]["required"]) == {"seq", "type", "at"}
    assert schemas["AcknowledgeBody"].get("required", []) == []


def test_the_module_prints_the_document():
    printed = subprocess.run([sys.executable, "-m", "services.api.openapi"], check=True, capture_output=True).stdout
    assert printed == document_bytes()
    assert json.loads(printed) == DOCUMENT
