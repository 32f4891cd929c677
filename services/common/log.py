"""Structured logs: a console form on a terminal, JSON lines elsewhere, secrets scrubbed."""

import logging
import re
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

_SECRET_KEY = re.compile(r"pass(word|wd)?$|secret|token$|authorization|cookie|api_?key|dsn$", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{0,30}://)(?P<user>[^/\s:@]*):[^/\s@]+@", re.IGNORECASE)
HIDDEN = "[hidden]"


def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide values under secret-like keys, and passwords inside URLs, wherever they stand."""
    for key, value in event.items():
        if _SECRET_KEY.search(key):
            event[key] = HIDDEN
        elif isinstance(value, str):
            event[key] = scrub_text(value)
        elif isinstance(value, BaseException):
            event[key] = scrub_text(f"{type(value).__name__}: {value}")
    return event


def scrub_text(text: str) -> str:
    """Return the text with the password of each URL in it hidden."""
    return _URL_PASSWORD.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text)


def configure_logging(
    service: str,
    *,
    level: str = "info",
    form: Literal["auto", "console", "json"] = "auto",
    stream: TextIO = sys.stderr,
) -> None:
    """Set up structlog for the process; the standard library's warnings and errors go the same way."""
    console = form == "console" or (form == "auto" and stream.isatty())
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        scrub,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty()) if console else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, logging.WARNING))
    logging.getLogger("services").setLevel(threshold)
    structlog.contextvars.bind_contextvars(service=service)
