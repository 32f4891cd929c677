"""Streams, their consumer groups and how far those are behind."""

from collections.abc import Mapping, Sequence
from typing import Any

from redis.exceptions import ResponseError

from services.collector.sheet import Sheet
from services.collector.sources.redis.client import Command, Reply
from services.collector.sources.redis.collector import RedisCollector, Scene
from services.collector.sources.redis.config import StreamCheck
from services.collector.sources.redis.refusal import check, is_elsewhere
from services.collector.sources.redis.sheets import keep_first

_MOST_GROUPS = 50
_NO_KEY = "no such key"


def _pairs(flat: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def milliseconds(entry_id: str | None) -> int | None:
    """Return the time part of an entry's id, in milliseconds since the epoch where the server made the id."""
    head = (entry_id or "").partition("-")[0]
    return int(head) if head.isdigit() else None


async def _streams(scene: Scene, sheet: Sheet, _replies: Sequence[Reply]) -> None:
    if not scene.has_keys:
        return
    for db in sorted({stream.db for stream in scene.target.streams}):
        await scene.select(db)
        streams = [stream for stream in scene.target.streams if stream.db == db]
        commands: list[Command] = [("XINFO", what, one.key) for one in streams for what in ("STREAM", "GROUPS")]
        replies = await scene.ask(commands)
        for one, info, groups in zip(streams, replies[::2], replies[1::2], strict=True):
            if is_elsewhere(info):
                continue
            if isinstance(info, ResponseError) and _NO_KEY in str(info):
                sheet.gauge("redis_stream_length", "Entries in the stream.", 0, db=f"db{db}", stream=one.key)
                continue
            check([info, groups])
            await _stream(scene, sheet, one, _pairs(info), [_pairs(group) for group in groups])
    await scene.select(scene.db)
    keep_first(sheet)


async def _stream(
    scene: Scene, sheet: Sheet, one: StreamCheck, info: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]
) -> None:
    labels = {"db": f"db{one.db}", "stream": one.key}
    for field in ("length", "radix-tree-keys", "radix-tree-nodes", "groups"):
        sheet.gauge(f"redis_stream_{field.replace('-', '_')}", f"{field} of XINFO STREAM.", info.get(field), **labels)
    first, last = info.get("first-entry"), info.get("last-entry")
    ids = {
        "last_generated_id": info.get("last-generated-id"), "max_deleted_entry_id": info.get("max-deleted-entry-id"),
        "first_entry_id": first[0] if first else "0-0", "last_entry_id": last[0] if last else "0-0",
    }  # fmt: skip
    for name, entry_id in ids.items():
        sheet.gauge(f"redis_stream_{name}", "Milliseconds of the id.", milliseconds(entry_id), **labels)
    shown = groups[:_MOST_GROUPS]
    for group in shown:
        _group(sheet, group, info, labels)
    if one.consumers and shown:
        replies = await scene.ask([("XINFO", "CONSUMERS", one.key, group["name"]) for group in shown])
        for group, consumers in zip(shown, check(replies), strict=True):
            _consumers(sheet, [_pairs(flat) for flat in consumers], one, {**labels, "group": group["name"]})


def _group(sheet: Sheet, group: Mapping[str, Any], info: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    named = {**labels, "group": group["name"]}
    delivered, newest = group.get("last-delivered-id"), info.get("last-generated-id")
    lag = group.get("lag")
    if lag is None and delivered == newest:
        # Before Redis 7 the server does not count; nor does it later, after entries were deleted.
        lag = 0
    values = {
        "consumers": ("Consumers of the group.", group.get("consumers")),
        "messages_pending": ("Delivered entries that were not yet acknowledged.", group.get("pending")),
        "last_delivered_id": ("Milliseconds of the id.", milliseconds(delivered)),
        "entries_read": ("Entries that were delivered to the group.", group.get("entries-read")),
        "lag": ("Entries that were not yet delivered; none where the server can't tell.", lag),
    }
    for name, (text, value) in values.items():
        sheet.gauge(f"redis_stream_group_{name}", text, value, **named)
    ahead, behind = milliseconds(newest), milliseconds(delivered)
    if ahead is not None and behind:
        text = "Time between the newest entry and the last one delivered; all versions of Redis can tell."
        sheet.gauge("redis_stream_group_lag_seconds", text, max(ahead - behind, 0) / 1000, **named)


def _consumers(
    sheet: Sheet, consumers: Sequence[Mapping[str, Any]], one: StreamCheck, labels: Mapping[str, str]
) -> None:
    busiest = sorted(consumers, key=lambda consumer: -int(consumer["pending"]))
    for consumer in busiest[: one.max_consumers]:
        named = {**labels, "consumer": consumer["name"]}
        pending, idle = consumer["pending"], int(consumer["idle"]) / 1000
        sheet.gauge("redis_stream_group_consumer_messages_pending", "A consumer's unacknowledged entries.", pending,
                    **named)  # fmt: skip
        sheet.gauge("redis_stream_group_consumer_idle_seconds", "Time since a consumer last tried to do anything.",
                    idle, **named)  # fmt: skip


COLLECTORS = (
    RedisCollector("streams", _streams, when=lambda scene: bool(scene.target.streams)),
)  # fmt: skip
