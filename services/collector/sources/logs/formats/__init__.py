"""The registry of log formats: one file and one line each, the most particular first, as `auto` asks them in turn."""

from services.collector.sources.logs.formats import (
    json_lines,
    logfmt,
    postgres,
    postgres_csv,
    python,
    structlog_console,
    uvicorn,
)
from services.collector.sources.logs.formats.auto import Auto
from services.collector.sources.logs.formats.base import ANSI, Format

FORMATS: tuple[Format, ...] = (
    json_lines.FORMAT,
    postgres_csv.FORMAT,
    postgres.FORMAT,
    structlog_console.FORMAT,
    python.FORMAT,
    uvicorn.FORMAT,
    logfmt.FORMAT,
)
AUTO = Auto(FORMATS)
BY_KEY: dict[str, Format] = {one.key: one for one in (*FORMATS, AUTO)}

__all__ = ["ANSI", "AUTO", "BY_KEY", "FORMATS", "Format"]
