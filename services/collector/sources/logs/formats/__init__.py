"""The registry of log formats: one file and one line each, the most particular first, as `auto` asks them in turn."""

from services.collector.sources.logs.formats import logfmt, postgres, postgres_csv, python, structlog_console, uvicorn
from services.collector.sources.logs.formats.auto import Auto
from services.collector.sources.logs.formats.base import ANSI, Format
from services.collector.sources.logs.formats.json_lines import JsonLines

FORMATS: tuple[Format, ...] = (
    JsonLines(),
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
