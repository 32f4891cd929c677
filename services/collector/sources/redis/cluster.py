"""A Cluster node's view of the Cluster, and the nodes that it knows."""

from collections.abc import Sequence

from services.collector.sheet import Sheet
from services.collector.sources.redis.client import Address, Command, Reply
from services.collector.sources.redis.collector import RedisCollector, Scene, Topology
from services.collector.sources.redis.fields import number, parse_info

_FIELDS = (
    "cluster_slots_assigned", "cluster_slots_ok", "cluster_slots_pfail", "cluster_slots_fail", "cluster_known_nodes",
    "cluster_size", "cluster_current_epoch", "cluster_my_epoch",
)  # fmt: skip
_PREFIX = "cluster_stats_messages_"
_TOTALS = {f"{_PREFIX}sent": "redis_cluster_messages_sent_total",
           f"{_PREFIX}received": "redis_cluster_messages_received_total"}  # fmt: skip
# A node without an address has gone; one in handshake has not yet been met.
_NO_NODE = {"noaddr", "handshake"}
_FEWEST_PARTS = 8


def read_nodes(text: str, *, seed_host: str, tls: bool) -> Topology:
    """Return the nodes in the answer to CLUSTER NODES.

    A node that has never been called by an address does not know its own: `seed_host` is where it was reached.
    """
    nodes: list[Address] = []
    myself: Address | None = None
    for line in text.splitlines():
        parts = line.split(" ")
        if len(parts) < _FEWEST_PARTS:
            continue
        flags = set(parts[2].split(","))
        if flags & _NO_NODE:
            continue
        address = _address(parts[1], seed_host if "myself" in flags else "", tls=tls)
        if address is None:
            continue
        nodes.append(address)
        if "myself" in flags:
            myself = address
    return Topology(tuple(nodes), myself)


def _address(text: str, default_host: str, *, tls: bool) -> Address | None:
    # ip:port@busport[,hostname[,shard-id=…]]
    where, _, more = text.partition(",")
    host, _, port = where.partition("@")[0].rpartition(":")
    hostname = more.partition(",")[0]
    # A certificate names hosts, not numbers.
    chosen = hostname if tls and hostname and "=" not in hostname else host or default_host
    return Address(chosen, int(port)) if chosen and port.isdigit() and int(port) else None


def _commands(scene: Scene) -> Sequence[Command]:
    asked: list[Command] = [("CLUSTER", "INFO")]
    if scene.discover:
        asked.append(("CLUSTER", "NODES"))
    return asked


async def _cluster(scene: Scene, sheet: Sheet, replies: Sequence[Reply]) -> None:
    found = parse_info(replies[0])
    state = found.get("cluster_state")
    sheet.gauge("redis_cluster_state", "1 while all slots are served.", None if state is None else state == "ok")
    for field in _FIELDS:
        sheet.gauge(f"redis_{field}", f"{field} of CLUSTER INFO.", number(found.get(field)))
    for field, value in found.items():
        if field.startswith(_PREFIX):
            name = _TOTALS.get(field, f"redis_{field}")
            sheet.counter(name, f"{field} of CLUSTER INFO.", number(value))
    if scene.discover:
        scene.topology = read_nodes(replies[1], seed_host=scene.host, tls=scene.tls)


COLLECTORS = (RedisCollector("cluster", _cluster, _commands, lambda scene: scene.mode == "cluster"),)
