import io
import json
import logging

import pytest
import structlog

from services.common.log import configure_logging, scrub_text


@pytest.fixture(autouse=True)
def _restore():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]
    logging.getLogger("services").setLevel(logging.NOTSET)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_where_there_is_no_terminal():
    stream = io.StringIO()
    configure_logging("api", stream=stream)
    structlog.get_logger("services.api").info("started", port=8080)
    (line,) = lines(stream)
    assert line["event"] == "started"
    assert line["service"] == "api"
    assert line["level"] == "info"
    assert line["port"] == 8080


def test_a_console_form_on_request():
    stream = io.StringIO()
    configure_logging("api", form="console", stream=stream)
    structlog.get_logger("services.api").warning("odd", reason="x")
    assert "odd" in stream.getvalue()
    assert "reason" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_levels_hold_and_libraries_are_heard_from_warning_on():
    stream = io.StringIO()
    configure_logging("api", level="info", stream=stream)
    structlog.get_logger("services.api").debug("too_quiet")
    logging.getLogger("asyncio").info("chatter")
    logging.getLogger("asyncio").warning("trouble")
    assert [line["event"] for line in lines(stream)] == ["trouble"]


def test_secrets_are_hidden_wherever_they_stand():
    stream = io.StringIO()
    configure_logging("api", stream=stream)
    structlog.get_logger("services.api").info(
        "connect",
        password="p1",
        api_key="p2",
        csrf_token="p3",
        url="postgresql://u:p4@h/db",
        error=OSError("redis://:p5@h refused"),
    )
    text = stream.getvalue()
    for secret in ("p1", "p2", "p3", "p4", "p5"):
        assert secret not in text
    assert "postgresql://u:[hidden]@h/db" in text


def test_text_without_secrets_stays():
    assert scrub_text("see http://host:80/path and a@b") == "see http://host:80/path and a@b"


def test_exceptions_are_logged_with_their_trace():
    stream = io.StringIO()
    configure_logging("api", stream=stream)
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger("services.api").exception("failed")
    assert "ValueError: broken" in lines(stream)[0]["exception"]
