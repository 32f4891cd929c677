"""The slow log and the latency monitor."""

from collections.abc import Sequence

from services.collector.sheet import Sheet
from services.collector.sources.redis.client import Command, Reply
from services.collector.sources.redis.collector import RedisCollector, Scene
from services.collector.sources.redis.refusal import check

_RECENT = 60.0
_MOST_NEW = 128


def _commands(_scene: Scene) -> Sequence[Command]:
    # The newest entry says whether there are others to be read; an entry carries all arguments of its call.
    return (("SLOWLOG", "LEN"), ("SLOWLOG", "GET", 1))


async def _slowlog(scene: Scene, sheet: Sheet, replies: Sequence[Reply]) -> None:
    length, newest = replies
    memory = scene.memory
    last_id = int(newest[0][0]) if newest else -1
    seconds = int(newest[0][2]) / 1e6 if newest else 0.0
    before = memory.slowlog_id
    # The ids start again at 0 when the server does.
    known = before if before is not None and before <= last_id else -1
    if last_id > known:
        entries = newest
        if last_id - known > 1:
            (entries,) = check(await scene.ask([("SLOWLOG", "GET", min(last_id - known, _MOST_NEW))]))
        memory.slow += [(float(entry[1]), int(entry[2]) / 1e6) for entry in entries if int(entry[0]) > known]
    memory.slowlog_id = last_id
    memory.slow = [(at, took) for at, took in memory.slow if at >= scene.now - _RECENT]
    sheet.gauge("redis_slowlog_length", "Entries in the slow log.", length)
    sheet.gauge("redis_slowlog_last_id", "Id of the newest entry of the slow log.", max(last_id, 0))
    sheet.gauge("redis_last_slow_execution_duration_seconds", "Time of the newest slow call, in seconds.", seconds)
    slowest = max((took for _, took in memory.slow), default=0.0)
    sheet.gauge("redis_slowlog_max_seconds", "Slowest call of the last minute in the slow log, in seconds.", slowest)


async def _latency(_scene: Scene, sheet: Sheet, replies: Sequence[Reply]) -> None:
    for event in replies[0]:
        name, at, took = str(event[0]), int(event[1]), int(event[2]) / 1000
        sheet.gauge("redis_latency_spike_last", "When the latency event was last, seconds since the epoch.", at,
                    event_name=name)  # fmt: skip
        sheet.gauge("redis_latency_spike_duration_seconds", "Time of the newest latency event, in seconds.", took,
                    event_name=name)  # fmt: skip


def _is_server(scene: Scene) -> bool:
    return scene.mode != "sentinel"


COLLECTORS = (
    RedisCollector("slowlog", _slowlog, _commands, _is_server),
    RedisCollector("latency", _latency, lambda _scene: (("LATENCY", "LATEST"),), _is_server),
)
