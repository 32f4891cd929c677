"""The page of the dashboard's HTTP API, from its OpenAPI document."""

from typing import Any

from scripts.reference.table import NOTE, table
from services.api.openapi import build_document

_ABOUT = """The API of the dashboard, `api.listen`. The whole OpenAPI 3.1 document is at `/api/openapi.json`.
"""
_METHODS = ("get", "post", "put", "patch", "delete")


def http_api_page() -> str:
    """Return the page: a row for each operation, and a table for each model."""
    document = build_document()
    rows = [
        (f"`{method.upper()} {path}`", _role(operation), operation["summary"], ", ".join(_parameters(operation)))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in _METHODS
    ]
    parts = [
        NOTE,
        "# HTTP API\n",
        f"{_ABOUT}{document['info']['description']}\n",
        "## Operations\n",
        table(("operation", "role", "what it does", "parameters"), rows),
        "## Models\n",
    ]
    for name, schema in document["components"]["schemas"].items():
        if "properties" in schema:
            parts += [f"### {name}\n", f"{_first_line(schema)}\n", _fields(schema)]
        elif "enum" in schema:
            parts += [f"### {name}\n", f"One of {', '.join(f'`{value}`' for value in schema['enum'])}.\n"]
    return "\n".join(parts)


def _role(operation: dict[str, Any]) -> str:
    description = operation.get("description", "")
    return description.removeprefix("Needs the role ").removesuffix(" or above.") if operation["security"] else "open"


def _parameters(operation: dict[str, Any]) -> list[str]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return [
        *(f"`{parameter['name']}`" for parameter in operation["parameters"] if parameter["in"] == "query"),
        *([f"body: {_type(body)}"] if body else []),
    ]


def _fields(schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    return table(
        ("field", "type", ""),
        [
            (f"`{name}`" if name in required else f"`{name}` (optional)", _type(field), field.get("description", ""))
            for name, field in schema["properties"].items()
        ],
    )


def _first_line(schema: dict[str, Any]) -> str:
    return str(schema.get("description", "")).partition("\n\n")[0]


def _type(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        return str(reference).rpartition("/")[2]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_type(option) for option in options)
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    return _of_kind(schema)


def _of_kind(schema: dict[str, Any]) -> str:
    kind = str(schema.get("type", "anything"))
    if kind == "array" and (items := schema.get("prefixItems")):
        return f"[{', '.join(_type(item) for item in items)}]"
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if isinstance(values := schema.get("additionalProperties"), dict):
        return f"map of {_type(values)}"
    return "map" if values else kind
