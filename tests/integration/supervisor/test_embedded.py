"""The embedded servers as the supervisor keeps them: real ones, in temporary folders, on free ports."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from services.common.clock import SystemClock
from services.supervisor import postgres as postgres_module
from services.supervisor import redis as redis_module
from services.supervisor.console import Console
from services.supervisor.datadir import DataDir
from services.supervisor.family import Family
from services.supervisor.postgres import EmbeddedPostgres, EmbeddedServerError, OwnDatabase
from services.supervisor.redis import EmbeddedRedis
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import until

pytestmark = pytest.mark.integration
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="about what happens as root")
OWN = (OwnDatabase("tocsin", reserved=True), OwnDatabase("shop", monitors=True))


@pytest.fixture
def home():
    folder = Path(tempfile.mkdtemp(prefix="tocsin-embedded-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


class Rig:
    """The servers of one data folder under a family of their own."""

    def __init__(self, root, stream=None):
        self.data = DataDir(root)
        self.data.create()
        self.console = Console(SystemClock(), stream) if stream else Console(SystemClock())
        self.family = Family(self.data, SystemClock(), self.console)
        self.postgres = EmbeddedPostgres(self.data, f"127.0.0.1:{free_port()}", OWN)
        self.redis = EmbeddedRedis(self.data, f"127.0.0.1:{free_port()}")

    async def start_postgres(self):
        fresh = await self.postgres.prepare()
        process = self.postgres.process()
        self.family.start(process)
        assert await self.family.wait_ready(process, limit=30) == ""
        await self.postgres.ensure_databases()
        return fresh

    async def start_redis(self):
        fresh = await self.redis.prepare()
        process = self.redis.process()
        self.family.start(process)
        assert await self.family.wait_ready(process, limit=30) == ""
        return fresh

    async def stop(self):
        await self.family.stop([["redis"], ["postgres"]])


def status_of(pid):
    return Path(f"/proc/{pid}/status").read_text()


def mount(*words):
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


def unmount(folder):
    subprocess.run(["umount", "-l", folder], check=False)


@pytest.fixture
async def rigs():
    made = []

    def make(root, **how):
        made.append(Rig(root, **how))
        return made[-1]

    yield make
    for rig in made:
        await rig.stop()


async def test_postgres_keeps_its_data_and_roles_have_what_they_need(rigs, home):
    rig = rigs(home / "data")
    assert await rig.start_postgres() is True
    shop = await asyncpg.connect(rig.postgres.dsn("shop"))
    await shop.execute("CREATE TABLE orders AS SELECT 1 AS id")
    assert await shop.fetchval("SELECT count(*) >= 0 FROM pg_stat_statements")
    assert await shop.fetchval("SELECT pg_has_role('shop', 'pg_monitor', 'MEMBER')")
    assert not await shop.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = 'shop'")
    await shop.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(rig.postgres.dsn("shop").replace(rig.data.secret("postgres-shop"), "wrong"))
    await rig.stop()

    again = rigs(home / "data")
    assert await again.start_postgres() is False
    shop = await asyncpg.connect(again.postgres.dsn("shop"))
    assert await shop.fetchval("SELECT count(*) FROM orders") == 1
    await shop.close()


async def test_a_shop_that_uses_up_all_connections_does_not_lock_tocsin_out(rigs, home):
    rig = rigs(home / "data")
    await rig.start_postgres()
    held = []
    with pytest.raises(asyncpg.TooManyConnectionsError):
        while True:
            held.append(await asyncpg.connect(rig.postgres.dsn("shop")))
    tocsin = await asyncpg.connect(rig.postgres.dsn("tocsin"))
    assert await tocsin.fetchval("SELECT 1") == 1
    for connection in (*held, tocsin):
        await connection.close()


async def test_postgres_recovers_from_a_kill(rigs, home):
    rig = rigs(home / "data")
    await rig.start_postgres()
    connection = await asyncpg.connect(rig.postgres.dsn("tocsin"))
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS x")
    child = rig.family.children["postgres"]
    os.kill(child.pid, signal.SIGKILL)
    await until(lambda: child.restarts == 1 and child.pid is not None)
    assert await rig.family.wait_ready(rig.postgres.process(), limit=20) == ""
    again = await asyncpg.connect(rig.postgres.dsn("tocsin"))
    assert await again.fetchval("SELECT x FROM kept") == 7
    await again.close()
    connection.terminate()


async def test_redis_keeps_what_it_was_told_over_a_kill_and_a_stop(rigs, home):
    rig = rigs(home / "data")
    assert await rig.start_redis() is True
    async with Redis.from_url(rig.redis.url()) as client:
        await client.xadd("tocsin:alerts", {"event": "x"})
        await client.bgrewriteaof()

        async def on_disk():
            info = await client.info("persistence")
            return not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]

        await until(on_disk)
    child = rig.family.children["redis"]
    os.kill(child.pid, signal.SIGKILL)
    await until(lambda: child.restarts == 1 and child.pid is not None)
    assert await rig.family.wait_ready(rig.redis.process(), limit=20) == ""
    async with Redis.from_url(rig.redis.url()) as client:
        assert await client.xlen("tocsin:alerts") == 1
        await client.set("later", "y")
    await rig.stop()
    again = rigs(home / "data")
    assert await again.start_redis() is False
    async with Redis.from_url(again.redis.url()) as client:
        assert await client.get("later") == b"y"


async def test_redis_wants_its_password(rigs, home):
    rig = rigs(home / "data")
    await rig.start_redis()
    async with Redis.from_url(f"redis://{rig.redis.endpoint.netloc}") as client:
        with pytest.raises(AuthenticationError):
            await client.ping()
    assert (rig.redis.home / "redis.conf").stat().st_mode & 0o777 == 0o600


@ROOT_ONLY
async def test_as_root_the_servers_are_nobodys_and_get_through_closed_folders(rigs, home):
    home.chmod(0o700)
    rig = rigs(home / "data")
    await rig.start_postgres()
    await rig.start_redis()
    for child in rig.family.children.values():
        status = status_of(child.pid)
        assert "Uid:\t65534\t65534\t65534\t65534" in status
        assert "CapEff:\t0000000000000004" in status  # CAP_DAC_READ_SEARCH and nothing more
    assert home.stat().st_mode & 0o777 == 0o700


async def test_a_lost_password_is_told_with_the_mend(rigs, home):
    rig = rigs(home / "data")
    await rig.start_postgres()
    (rig.data.secrets / "postgres-superuser").write_text("another")
    with pytest.raises(EmbeddedServerError, match="postgres-superuser does not fit the data"):
        await rig.postgres.probe()


async def test_another_redis_on_the_port_is_told(rigs, home):
    rig, other = rigs(home / "data"), rigs(home / "other")
    await other.start_redis()
    rig.redis.endpoint = other.redis.endpoint
    with pytest.raises(EmbeddedServerError, match="another Redis answers"):
        await rig.redis.probe()


async def test_a_cluster_of_another_version_is_left_alone(rigs, home):
    rig = rigs(home / "data")
    rig.postgres.cluster.mkdir(parents=True)
    (rig.postgres.cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedServerError, match=r"made by PostgreSQL 17, this Tocsin has 18; move it by pg_dump"):
        await rig.postgres.prepare()


async def test_a_kill_while_the_cluster_was_made_leaves_no_half_one(rigs, home):
    rig = rigs(home / "data")
    (rig.postgres.home / "new").mkdir(parents=True)
    (rig.postgres.home / "new" / "PG_VERSION").write_text("18")
    assert await rig.start_postgres() is True


@ROOT_ONLY
async def test_a_full_disk_is_named_and_it_goes_on_when_there_is_room(rigs, home):
    root = home / "small"
    root.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=6m,mode=755", "tmpfs", root):
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        rig = rigs(root / "data")
        with pytest.raises(EmbeddedServerError, match=r"No space left on device.*; free disk space"):
            await rig.postgres.prepare()
        assert mount("-o", "remount,size=200m", root)
        assert await rig.start_postgres() is True
        await rig.stop()
    finally:
        unmount(root)


async def test_a_user_without_a_name_is_told_what_to_do(rigs, home, monkeypatch):
    rig = rigs(home / "data")
    failing = home / "initdb"
    failing.write_text(
        "#!/bin/sh\necho 'initdb: could not look up effective user ID 1: user does not exist' >&2; exit 1\n"
    )
    failing.chmod(0o755)
    monkeypatch.setattr(rig.postgres, "_binaries", home)
    with pytest.raises(EmbeddedServerError, match=r"user ID 1: user does not exist; give this user an entry"):
        await rig.postgres.prepare()


async def test_servers_that_are_not_installed_are_told(monkeypatch):
    for module in (postgres_module, redis_module):
        monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedServerError, match=r"set postgres.dsn_file, or install tocsin\[embedded\]"):
        postgres_module.find_binaries()
    with pytest.raises(EmbeddedServerError, match=r"set redis.url_file, or install tocsin\[embedded\]"):
        redis_module.find_program()


async def test_a_home_that_can_not_be_made_is_told(rigs, home):
    rig = rigs(home / "data")
    (home / "data" / "postgres").write_text("a file")
    (home / "data" / "redis").write_text("a file")
    for server in (rig.postgres, rig.redis):
        with pytest.raises(EmbeddedServerError, match="data/"):
            await server.prepare()


async def test_slow_initdb_is_bounded(rigs, home, monkeypatch):
    monkeypatch.setattr(postgres_module, "_INITDB_SECONDS", 0.01)
    rig = rigs(home / "data")
    with pytest.raises(EmbeddedServerError, match=r"was not made within 0.01 s"):
        await rig.postgres.prepare()
