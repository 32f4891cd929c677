"""Chosen keys: their length, memory and value; patterns of SCAN within bounds of count and time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from services.collector.sheet import Sheet
from services.collector.sources.redis.client import Command, Reply
from services.collector.sources.redis.collector import RedisCollector, Scene
from services.collector.sources.redis.config import KeyCheck
from services.collector.sources.redis.refusal import check, is_elsewhere
from services.collector.sources.redis.sheets import keep_first, merge

_SIZES = {"string": "STRLEN", "list": "LLEN", "set": "SCARD", "zset": "ZCARD", "hash": "HLEN", "stream": "XLEN"}
_BATCH = 1000
_MOST_TEXT = 128
_SPARE = 0.1


@dataclass
class Found:
    """What a look at a pattern found."""

    keys: set[str] = field(default_factory=set)
    scanned: int = 0
    complete: bool = False


async def _keys(scene: Scene, sheet: Sheet, _replies: Sequence[Reply]) -> None:
    if not scene.has_keys:
        return
    checks = scene.target.keys
    for db in sorted({one.db for one in checks if one.key is not None}):
        single = [one for one in checks if one.db == db and one.key is not None]
        await scene.select(db)
        await _write_keys(scene, sheet, single, [one.key or "" for one in single])
    for index, one in enumerate(checks):
        if one.pattern is not None:
            merge(sheet, await _pattern(scene, index, one))
    await scene.select(scene.db)
    keep_first(sheet)


async def _pattern(scene: Scene, index: int, one: KeyCheck) -> Sheet:
    before = scene.memory.slow_checks.get(index)
    if before is not None and scene.monotonic() - before[0] < one.min_interval:
        return before[1]
    await scene.select(one.db)
    part, found = Sheet(), await _scan(scene, one)
    labels = {"db": f"db{one.db}", "key": one.pattern}
    text = "Keys that match a pattern; see redis_keys_count_complete."
    part.gauge("redis_keys_count", text, len(found.keys), **labels)
    part.gauge("redis_keys_count_complete", "0 when a bound ended the look before its end.", found.complete, **labels)
    names = sorted(found.keys)[: one.max_keys]
    await _write_keys(scene, part, [one] * len(names), names)
    scene.memory.slow_checks[index] = (scene.monotonic(), part)
    return part


async def _scan(scene: Scene, one: KeyCheck) -> Found:
    found, cursor = Found(), "0"
    end = min(scene.monotonic() + one.max_time, scene.deadline - _SPARE)
    while found.scanned < one.max_scanned and scene.monotonic() < end:
        command: Command = ("SCAN", cursor, "MATCH", one.pattern or "*", "COUNT", _BATCH)
        ((cursor, keys),) = check(await scene.ask([command]))
        # SCAN may give a key twice.
        found.keys.update(keys)
        found.scanned += _BATCH
        if cursor == "0":
            found.complete = True
            break
    return found


async def _write_keys(scene: Scene, sheet: Sheet, checks: Sequence[KeyCheck], names: Sequence[str]) -> None:
    types = await scene.ask([("TYPE", name) for name in names]) if names else []
    here: list[tuple[KeyCheck, str, str]] = []
    for one, name, kind in zip(checks, names, types, strict=True):
        if not is_elsewhere(kind):
            check([kind])
            here.append((one, name, kind))
    wanted = [_commands(one, name, kind) for one, name, kind in here]
    commands = [command for part in wanted for command in part.values()]
    replies = iter(await scene.ask(commands) if commands else [])
    for (one, name, kind), part in zip(here, wanted, strict=True):
        _write_key(sheet, one, name, kind, {what: next(replies) for what in part})


def _commands(one: KeyCheck, name: str, kind: str) -> dict[str, Command]:
    commands: dict[str, Command] = {}
    if kind in _SIZES:
        commands["size"] = (_SIZES[kind], name)
    if one.memory and kind != "none":
        commands["memory"] = ("MEMORY", "USAGE", name)
    if kind == "string":
        commands["text"] = ("GETRANGE", name, 0, _MOST_TEXT - 1)
    return commands


def _write_key(sheet: Sheet, one: KeyCheck, name: str, kind: str, replies: Mapping[str, Reply]) -> None:
    check([*replies.values()])
    labels = {"db": f"db{one.db}", "key": name}
    size = 0 if kind == "none" else replies.get("size")
    sheet.gauge("redis_key_size", "Length of a key's value; 0 for a key that is not there.", size, **labels)
    usage = replies.get("memory")
    sheet.gauge("redis_key_memory_usage_bytes", "Memory that a key and its value use, in bytes.", usage, **labels)
    if "text" in replies:
        _write_value(sheet, one, replies["text"], labels)


def _write_value(sheet: Sheet, one: KeyCheck, text: str, labels: dict[str, str]) -> None:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if isfinite(value):
        sheet.gauge("redis_key_value", "A string that is a number.", value, **labels)
    elif one.text:
        sheet.gauge("redis_key_value_as_string", "1; a string's first characters.", 1, **labels, val=text)


COLLECTORS = (RedisCollector("keys", _keys, when=lambda scene: bool(scene.target.keys)),)
