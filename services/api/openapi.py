"""The OpenAPI 3.1 document, made from the routes and their models; `python -m services.api.openapi` prints it."""

import functools
import http
import re
import sys
from collections.abc import Iterable
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from services import __version__
from services.api.auth.identity import CSRF_HEADER, SESSION_COOKIE
from services.api.endpoint import Route
from services.api.live.model import LiveChanges, LivePing, LiveSnapshot
from services.api.model import Nothing
from services.api.problem import CONTENT_TYPE, Problem
from services.api.routes import ROUTES

_REF = "#/components/schemas/{model}"
# Messages that no HTTP answer shows.
_EXTRA: tuple[type[BaseModel], ...] = (Problem, LiveSnapshot, LiveChanges, LivePing)


def build_document(routes: Iterable[Route[Any, Any]] = ROUTES) -> dict[str, Any]:
    """Return the document; the same routes give the same document, key by key."""
    routes = tuple(routes)
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(model, "serialization"): None for model in _EXTRA}
    for route in routes:
        wanted |= {(model, "validation"): None for model in (route.query, route.body) if model is not Nothing}
        if route.answer is not None:
            wanted[(route.answer, "serialization")] = None
    refs, schemas = models_json_schema(list(wanted), ref_template=_REF)
    definitions: dict[str, Any] = schemas.get("$defs", {})
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs, definitions)
    queries = {_name(refs[(route.query, "validation")]) for route in routes if route.query is not Nothing}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tocsin",
            "version": __version__,
            "description": "Times are seconds since the epoch. Errors are application/problem+json.",
        },
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in sorted(definitions.items()) if name not in queries},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(route: Route[Any, Any], refs: dict[Any, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.handler.__module__.rpartition(".")[2]],
        "security": [] if route.role is None else [{"session": []}, {"token": []}],
        "parameters": _parameters(route, refs, definitions),
        "responses": _responses(route, refs),
    }
    if route.role is not None:
        operation["description"] = f"Needs the role {route.role} or above."
    if route.body is not Nothing:
        schema = refs[(route.body, "validation")]
        needed = bool(definitions[_name(schema)].get("required"))
        operation["requestBody"] = {"required": needed, "content": {"application/json": {"schema": schema}}}
    if route.raw_body and route.method != "GET":
        operation["requestBody"] = {"required": False, "content": {route.raw_body: {"schema": {"type": "string"}}}}
    return operation


def _parameters(route: Route[Any, Any], refs: dict[Any, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    if route.method != "GET" and route.role is not None:
        found.append(
            {
                "name": CSRF_HEADER,
                "in": "header",
                "required": False,
                "schema": {"type": "string"},
                "description": "Needed with a session cookie; csrf_token of GET /api/auth/me.",
            }
        )
    if route.query is not Nothing:
        model = definitions[_name(refs[(route.query, "validation")])]
        for name, schema in model["properties"].items():
            needed = name in model.get("required", ())
            found.append({"name": name, "in": "query", "required": needed, "schema": _without_null(schema)})
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    # In an address a parameter is left out, it is never null.
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    plain = {key: value for key, value in schema.items() if key not in {"anyOf", "title"}}
    if "default" in plain and plain["default"] is None:
        del plain["default"]
    return {**plain, **(kinds[0] if kinds else {})}


def _responses(route: Route[Any, Any], refs: dict[Any, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": http.HTTPStatus(route.status).phrase}
    if route.answer is not None and route.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
        answer["content"] = {"application/json": {"schema": refs[(route.answer, "serialization")]}}
    if route.other_types:
        plain = {kind: {"schema": {"type": "string"}} for kind in route.other_types}
        answer["content"] = answer.get("content", {}) | plain
    problems = {400, 429, 500, *route.problems}
    if route.method != "GET":
        problems |= {403, 413, 415}
    if route.role is not None:
        # 503: nobody can be checked while Postgres is away and the login is not in memory.
        problems |= {401, 403, 503}
    responses = {str(route.status): answer}
    if route.method == "GET" and route.status == http.HTTPStatus.OK:
        responses["304"] = {"description": "Not changed since the answer with that ETag"}
    for status in sorted(problems):
        responses[str(status)] = {
            "description": http.HTTPStatus(status).phrase,
            "content": {CONTENT_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
    return responses


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


@functools.cache
def document_bytes() -> bytes:
    """Return the document as it is served and as the page's types are made from; made once a process."""
    return orjson.dumps(build_document(), option=orjson.OPT_INDENT_2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(document_bytes())
