import json
from pathlib import Path

import pytest

from services.supervisor.logs import LogFile, postgres_notice, redis_notice, service_notice


def test_a_log_is_rotated_by_size(tmp_path):
    log = LogFile(tmp_path / "api.log", max_bytes=1000, backups=2)
    for number in range(100):
        log.write(f"line {number:03} {'x' * 40}")
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["api.log", "api.log.1", "api.log.2"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert "line 099" in (tmp_path / "api.log").read_text()


def test_what_the_disk_does_not_take_is_counted_and_stops_nothing(capsys):
    log = LogFile("/dev/full")
    log.write("a")
    log.write("b")
    assert log.lost == 2
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_percent_sign_is_no_format(tmp_path):
    log = LogFile(tmp_path / "a.log")
    log.write("100 %s %d")
    log.close()
    assert (tmp_path / "a.log").read_text() == "100 %s %d\n"


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ({"level": "warning", "event": "redis_away", "reason": "refused"}, "warning", "redis_away reason=refused"),
        (
            {"level": "error", "event": "broke", "timestamp": "t", "logger": "l", "service": "api", "exception": "tb"},
            "error",
            "broke",
        ),
        ({"level": "critical", "event": "broke"}, "error", "broke"),
        ({"level": "warning", "event": "long", "error": "x" * 999}, "warning", "long error=" + "x" * 289),
    ],
)
def test_a_services_warnings_and_errors_are_for_the_console(line, level, text):
    notice = service_notice(json.dumps(line))
    assert (notice.level, notice.text) == (level, text)


@pytest.mark.parametrize("line", ["", "plain", "{not json", '{"level": "info", "event": "ready"}', '{"event": "bare"}'])
def test_a_services_other_lines_are_not(line):
    assert service_notice(line) is None


def test_the_same_event_for_another_reason_is_another_matter():
    first, second = (service_notice(json.dumps({"level": "error", "event": "x", "reason": r})) for r in ("a", "b"))
    assert first.key != second.key


STAMP = "2026-11-22 05:53:39.410 UTC [21789] "


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("FATAL:  sorry, too many clients already", "FATAL: sorry, too many clients already"),
        ("PANIC:  could not locate a valid checkpoint record", "PANIC: could not locate a valid checkpoint record"),
        (
            'FATAL:  password authentication failed for user "shop"',
            'FATAL: password authentication failed for user "shop"',
        ),
    ],
)
def test_postgres_trouble_is_told(line, text):
    assert postgres_notice(STAMP + line).text == text


@pytest.mark.parametrize(
    "line",
    [
        "LOG:  database system is ready to accept connections",
        'ERROR:  duplicate key value violates unique constraint "orders_pkey"',
        "FATAL:  the database system is starting up",
        "FATAL:  terminating connection due to administrator command",
    ],
)
def test_postgres_chatter_is_not(line):
    assert postgres_notice(STAMP + line) is None


@pytest.mark.parametrize(
    ("read", "line"),
    [
        (postgres_notice, STAMP + 'ERROR:  could not extend file "base/5/16384": No space left on device'),
        (postgres_notice, STAMP + 'PANIC:  could not write to file "pg_wal/xlogtemp.29": No space left on device'),
        (redis_notice, "12:M 22 Nov 2026 05:53:39.400 # Error writing to the AOF file: No space left on device"),
    ],
)
def test_a_full_disk_is_named_with_its_mend(read, line):
    notice = read(line)
    assert (notice.level, notice.key) == ("error", "disk")
    assert notice.text.endswith("No space left on device; free disk space")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("12:M 22 Nov 2026 05:53:39.400 # Can't handle RDB format version 99", True),
        ("12:M 22 Nov 2026 05:53:39.400 # Bad file format reading the append only file", True),
        ("12:M 22 Nov 2026 05:53:39.400 # Server initialized", False),
        ("12:M 22 Nov 2026 05:53:39.400 # WARNING overcommit_memory is set to 0! Background save may fail", False),
        ("12:M 22 Nov 2026 05:53:39.400 * DB loaded from append only file", False),
        ("12:signal-handler (1795326819) Received SIGTERM scheduling shutdown...", False),
    ],
)
def test_redis_trouble_is_told_and_its_chatter_is_not(line, told):
    assert (redis_notice(line) is not None) == told
