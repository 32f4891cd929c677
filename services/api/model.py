"""The base of every answer and request body; the OpenAPI document is made from these models."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

Severity: TypeAlias = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")


class Answer(BaseModel):
    """What we send: immutable, so that parts may share it; NaN and infinities leave as null."""

    # A field with a default is always sent, so the page's types need not ask whether it is there.
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class Body(BaseModel):
    """What we take: unknown keys are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Body):
    """No query parameters, or no body."""
