"""Forms whose other reader is a Go program: a key without a value says nothing, and any scalar is text."""

from typing import Any

from pydantic import model_validator

from services.common.config import StrictModel


class GoForm(StrictModel):
    """A model of such a form: `labels:` with nothing behind it is as good as no `labels:`."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_nothing(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {name: value for name, value in data.items() if value is not None or name not in known}


def as_text(value: object) -> object:
    """Return a YAML scalar as the text of a label or annotation; null is the empty one.

    Where the document was read `as_written`, scalars are text already.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value
