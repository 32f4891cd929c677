"""What real programs write, read by the source: Python's logging, structlog, uvicorn, Postgres."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from services.collector.sources.logs.groups import Group
from services.collector.sources.logs.model import LogTarget
from services.collector.sources.logs.state import StateFile
from services.collector.sources.logs.tail import Tail
from services.common.clock import SystemClock
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import EMBEDDED, new_server_home, server_user
from tests.fixtures.servers import _wait_for_port

SHOP = """
class Declined(Exception):
    pass

def charge(order):
    raise Declined(f"order {order} was declined with password=hunter2")
"""

PROGRAMS = {
    "python": """
import logging, shop
logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="INFO")
log = logging.getLogger("shop")
log.info("starting")
for order in (1, 2):
    try:
        shop.charge(order)
    except shop.Declined:
        log.exception("payment failed")
log.error("order %d is stuck", 7)
log.info("last words")
shop.charge(3)
""",
    "structlog": """
import sys, structlog, shop
structlog.configure(
    processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"),
                structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)],
    logger_factory=structlog.PrintLoggerFactory(sys.stderr))
log = structlog.get_logger()
log.info("starting")
for order in (1, 2):
    try:
        shop.charge(order)
    except shop.Declined:
        log.exception("payment_failed", order=order)
log.error("order 7 is stuck", order=7)
log.info("last words")
shop.charge(3)
""",
    "json": """
import sys, structlog, shop
structlog.configure(
    processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"), EXCEPTIONS,
                structlog.processors.JSONRenderer()],
    logger_factory=structlog.PrintLoggerFactory(sys.stderr))
log = structlog.get_logger()
log.info("starting")
for order in (1, 2):
    try:
        shop.charge(order)
    except shop.Declined:
        log.exception("payment_failed", order=order)
log.error("order 7 is stuck", order=7)
log.info("last words")
shop.charge(3)
""",
}  # fmt: skip
CASES = [
    ("python", PROGRAMS["python"]),
    ("structlog", PROGRAMS["structlog"]),
    ("json", PROGRAMS["json"].replace("EXCEPTIONS", "structlog.processors.format_exc_info")),
    ("json", PROGRAMS["json"].replace("EXCEPTIONS", "structlog.processors.dict_tracebacks")),
]


def read(folder: Path, name: str, form: str) -> Tail:
    target = LogTarget.model_validate({"name": "x", "paths": [name], "format": form, "start_at": "beginning"})
    tail = Tail(target, folder, StateFile(folder / "state", f"{form}-{Path(name).name}"))
    assert tail.own()
    now = SystemClock().now()
    while tail.read(now, 0.0):
        pass
    tail.read(now, 100.0)
    tail.tally.groups.settle()
    tail.close(now)
    return tail


def by_type(tail: Tail) -> dict[str, Group]:
    groups = list(tail.tally.groups.table.values())
    found = {group.type.rpartition(".")[2]: group for group in groups}
    assert len(found) == len(groups), groups
    return found


@pytest.mark.parametrize("own_format", [True, False], ids=["own", "auto"])
@pytest.mark.parametrize(("form", "program"), CASES, ids=["python", "structlog", "json", "json-dict"])
def test_python_programs(tmp_path: Path, form: str, program: str, *, own_format: bool) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    with (tmp_path / "app.log").open("w") as file:
        subprocess.run([sys.executable, "-c", program], stderr=file, cwd=tmp_path, timeout=100, check=False)
    tail = read(tmp_path, "app.log", form if own_format else "auto")
    errors = by_type(tail)
    # Two that were logged and the one that ended the program: the same place in the code, the same error.
    assert errors["Declined"].count == 3
    assert errors["Declined"].pattern == "order <n> was declined with password=[hidden]"
    assert "in charge" in errors["Declined"].example.traceback
    assert "hunter2" not in str(errors)
    stuck = next(group for group in errors.values() if group.type != errors["Declined"].type)
    assert (stuck.pattern, stuck.count) == ("order <n> is stuck", 1)
    assert tail.tally.counts.unparsed == 0
    # What the program logged before it died: an entry of its own in JSON, else the head of the traceback.
    assert tail.tally.counts.levels["info"] == (2 if form == "json" else 1)


APP = """
import shop
async def app(scope, receive, send):
    if scope["path"] == "/fail":
        shop.charge(9)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
"""


async def test_uvicorn(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "web.py").write_text(APP)
    port = free_port()
    with (tmp_path / "app.log").open("w") as file:
        command = [sys.executable, "-m", "uvicorn", "web:app", "--port", str(port), "--lifespan", "off"]
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, cwd=tmp_path)  # noqa: ASYNC220 - at once
        try:
            _wait_for_port(port, process)
            for path in ("/", "/fail", "/fail"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                await reader.read()
                writer.close()
        finally:
            process.terminate()
            process.wait(60)
    for form in ("uvicorn", "auto"):
        tail = read(tmp_path, "app.log", form)
        (error,) = tail.tally.groups.table.values()
        assert (error.type, error.count) == ("shop.Declined", 2)
        assert error.example.message == "Exception in ASGI application"
        assert tail.tally.counts.unparsed == 0
        # Its start, its end, and one access line for each request.
        assert tail.tally.counts.levels["info"] >= 6


@pytest.fixture
def logging_postgres() -> Iterator[Callable[..., tuple[str, Path]]]:
    home = new_server_home(EMBEDDED, "--username=tocsin", "--auth=trust")
    started: list[subprocess.Popen[bytes]] = []

    def start(prefix: str) -> tuple[str, Path]:
        port = free_port()
        options = {
            "listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", "fsync": "off",
            "logging_collector": "on", "log_destination": "stderr,csvlog,jsonlog", "log_directory": str(home / "log"),
            "log_filename": "pg.log", "log_line_prefix": prefix, "log_timezone": "UTC", "shared_buffers": "16MB",
        }  # fmt: skip
        arguments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        process = subprocess.Popen(
            [EMBEDDED / "postgres", "-D", home / "data", *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home, start_new_session=True, **server_user(),
        )  # fmt: skip
        started.append(process)
        _wait_for_port(port, process)
        return f"postgresql://tocsin@127.0.0.1:{port}/postgres", home / "log"

    yield start
    for process in started:
        process.terminate()
        process.wait(60)
    shutil.rmtree(home, ignore_errors=True)


async def spoil(dsn: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                connection = await asyncpg.connect(dsn)
                break
            except asyncpg.CannotConnectNowError:
                await asyncio.sleep(0.05)
    for number in range(3):
        with pytest.raises(asyncpg.UndefinedTableError):
            await connection.execute(f"SELECT {number},\n 'it''s', \"x\"\nFROM missing_{number}")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await connection.execute("SELECT 1/0")
    with pytest.raises(asyncpg.RaiseError):
        await connection.execute("DO $$ BEGIN RAISE EXCEPTION 'ERROR:  over\nlines' USING DETAIL = 'more'; END $$")
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await connection.execute("ALTER ROLE tocsin PASSWORD 'hunter2' now")
    await connection.close()


async def test_postgres(logging_postgres: Callable[..., tuple[str, Path]], tmp_path: Path) -> None:
    dsn, folder = logging_postgres(
        "%m [%p] %q%u@%d %e: " if "%e" in os.environ.get("NEVER", "") else "%m [%p] %q%u@%d "
    )
    await spoil(dsn)

    def settled() -> bool:
        return all("hunter2" in path.read_text() for path in folder.iterdir()) and len(list(folder.iterdir())) == 3

    async with asyncio.timeout(60):
        while not settled():  # noqa: ASYNC110 - the server's log collector writes when it likes
            await asyncio.sleep(0.05)
    for name, form in (("pg.csv", "postgres_csv"), ("pg.log", "postgres"), ("pg.json", "json")):
        for key in (form, "auto"):
            tail = read(tmp_path, str(folder / name), key)
            errors = tail.tally.groups.table.values()
            counts = {group.pattern: group.count for group in errors if "starting up" not in group.pattern}
            assert counts == {
                "relation <str> does not exist": 3, "division by zero": 1, "ERROR: over lines": 1,
                "unrecognized role option <str>": 1,
            } or (name == "pg.log" and {k.removesuffix(" at character <n>"): v for k, v in counts.items()} == {
                "relation <str> does not exist": 3, "division by zero": 1, "ERROR: over": 1,
                "unrecognized role option <str>": 1,
            }), (name, key, counts)  # fmt: skip
            missing = next(group for group in errors if group.pattern.startswith("relation"))
            assert missing.type == ("" if name == "pg.log" else "42P01")
            assert "FROM missing_2" in missing.example.traceback
            assert "hunter2" not in str(list(errors))
            assert tail.tally.counts.unparsed == 0, (name, key)
