"""Connected clients by name, and one by one; off by default, as CLIENT LIST grows with the clients."""

from collections import Counter
from collections.abc import Mapping, Sequence

from services.collector.sheet import Sheet
from services.collector.sources.redis.client import Reply
from services.collector.sources.redis.collector import RedisCollector, Scene
from services.collector.sources.redis.fields import number

_MOST_NAMES = 50
_MOST_CLIENTS = 100
_INFO = ("id", "name", "user", "flags", "db", "host", "resp")
# Left the field of CLIENT LIST, right redis_exporter's name without `redis_connected_client_`.
_GAUGES = (
    ("sub", "channel_subscriptions_count"), ("psub", "pattern_matching_subscriptions_count"),
    ("ssub", "shard_channel_subscriptions_count"), ("watch", "shard_channel_watched_keys"),
    ("qbuf", "query_buffer_length_bytes"), ("qbuf-free", "query_buffer_free_space_bytes"),
    ("obl", "output_buffer_length_bytes"), ("oll", "output_list_length"),
    ("omem", "output_buffer_memory_usage_bytes"), ("tot-mem", "total_memory_consumed_bytes"),
)  # fmt: skip


def read_clients(text: str) -> list[dict[str, str]]:
    """Return the clients in the answer to CLIENT LIST."""
    return [dict(part.partition("=")[::2] for part in line.split(" ")) for line in text.splitlines() if line]


async def _clients(scene: Scene, sheet: Sheet, replies: Sequence[Reply]) -> None:
    clients = read_clients(replies[0])
    names = Counter(client.get("name", "") for client in clients)
    shown = names.most_common(_MOST_NAMES)
    for name, count in shown:
        sheet.gauge("redis_clients_by_name", "Connected clients by the name that they gave.", count, name=name)
    rest = len(clients) - sum(count for _, count in shown)
    if rest:
        sheet.gauge("redis_clients_by_name", "Connected clients by the name that they gave.", rest, name="other")
    heaviest = sorted(clients, key=lambda one: number(one.get("tot-mem", one.get("omem"))) or 0, reverse=True)
    for client in heaviest[:_MOST_CLIENTS]:
        _write_client(sheet, client, scene.now)


def _write_client(sheet: Sheet, client: Mapping[str, str], now: float) -> None:
    who = {"id": client.get("id", ""), "name": client.get("name", "")}
    host = client.get("addr", "").rpartition(":")[0]
    facts = {key: client.get(key, "") for key in _INFO} | {"host": host}
    sheet.gauge("redis_connected_client_info", "A connected client.", 1, **facts)
    for field, name in (("age", "created_at_timestamp"), ("idle", "idle_since_timestamp")):
        seconds = number(client.get(field))
        at = None if seconds is None else int(now - seconds)
        sheet.gauge(f"redis_connected_client_{name}", f"{field} of CLIENT LIST, as seconds since the epoch.", at, **who)
    for field, name in _GAUGES:
        sheet.gauge(f"redis_connected_client_{name}", f"{field} of CLIENT LIST.", number(client.get(field)), **who)


COLLECTORS = (
    RedisCollector(
        "clients", _clients, lambda _scene: (("CLIENT", "LIST"),), lambda scene: scene.mode != "sentinel",
        enabled=False,
    ),
)  # fmt: skip
