"""What a Sentinel says of the masters that it watches, their replicas and the other Sentinels."""

from collections.abc import Mapping, Sequence

from redis.exceptions import ResponseError

from services.collector.sheet import Sheet
from services.collector.sources.redis.client import Address, Command, Reply
from services.collector.sources.redis.collector import RedisCollector, Scene, Topology
from services.collector.sources.redis.fields import number
from services.collector.sources.redis.refusal import check

_MOST_MASTERS = 64
_SETTINGS = (
    ("quorum", "setting_ckquorum", 1.0), ("failover-timeout", "setting_failover_timeout", 1.0),
    ("parallel-syncs", "setting_parallel_syncs", 1.0),
    ("down-after-milliseconds", "setting_down_after_milliseconds", 1.0),
    ("config-epoch", "config_epoch", 1.0), ("last-ok-ping-reply", "last_ok_ping_reply_seconds", 1e-3),
)  # fmt: skip
_QUORUM = "1 while the Sentinels that are up are enough for a failover."


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def is_up(node: Mapping[str, str]) -> bool:
    """Tell whether a Sentinel takes a node for alive."""
    return not {"s_down", "o_down"} & set(node.get("flags", "s_down").split(","))


def _status(master: Mapping[str, str]) -> str:
    # INFO's words for the same facts.
    flags = set(master.get("flags", "").split(","))
    return "odown" if "o_down" in flags else "sdown" if "s_down" in flags else "ok"


def _address(node: Mapping[str, str]) -> Address:
    return Address(node.get("ip", ""), int(number(node.get("port")) or 0))


def _commands(_scene: Scene) -> Sequence[Command]:
    return (("SENTINEL", "MASTERS"),)


async def _sentinel(scene: Scene, sheet: Sheet, replies: Sequence[Reply]) -> None:
    wanted = scene.target.sentinel_masters
    masters = [_pairs(flat) for flat in replies[0]]
    masters = [master for master in masters if not wanted or master["name"] in wanted][:_MOST_MASTERS]
    names = [master["name"] for master in masters]
    kinds = ("REPLICAS", "SENTINELS", "CKQUORUM")
    answers = await scene.ask([("SENTINEL", kind, name) for name in names for kind in kinds]) if names else []
    nodes: list[Address] = []
    for index, master in enumerate(masters):
        replicas, others = ([_pairs(flat) for flat in reply] for reply in check(answers[index * 3 : index * 3 + 2]))
        _write_master(sheet, master, replicas, others)
        _write_quorum(sheet, master["name"], answers[index * 3 + 2])
        nodes += [_address(node) for node in (master, *replicas)]
    missing = sorted(set(wanted) - set(names))
    for name in missing:
        sheet.gauge("redis_sentinel_master_missing", "1 for a configured master that the Sentinel does not know.", 1,
                    master_name=name)  # fmt: skip
    if scene.discover:
        scene.topology = Topology(tuple(address for address in nodes if address.host and address.port))


def _write_master(
    sheet: Sheet, master: Mapping[str, str], replicas: Sequence[Mapping[str, str]], others: Sequence[Mapping[str, str]]
) -> None:
    labels = {"master_name": master["name"], "master_address": str(_address(master))}
    status = _status(master)
    gauges = {
        "slaves": ("Replicas of the master.", number(master.get("num-slaves"))),
        "sentinels": ("Sentinels that watch the master.", (number(master.get("num-other-sentinels")) or 0) + 1),
        "ok_slaves": ("Replicas that are up.", sum(is_up(node) for node in replicas)),
        "ok_sentinels": ("Sentinels that are up, this one too.", 1 + sum(is_up(node) for node in others)),
    }
    sheet.gauge("redis_sentinel_master_status", "1 while the master is up.", status == "ok", **labels,
                master_status=status)  # fmt: skip
    for name, (text, value) in gauges.items():
        sheet.gauge(f"redis_sentinel_master_{name}", text, value, **labels)
    for field, name, scale in _SETTINGS:
        value = number(master.get(field))
        scaled = None if value is None else value * scale
        sheet.gauge(f"redis_sentinel_master_{name}", f"{field} of SENTINEL MASTERS.", scaled, **labels)


def _write_quorum(sheet: Sheet, name: str, reply: Reply) -> None:
    # The answer's sentence carries counts, and would be another series at each change.
    refused = isinstance(reply, ResponseError)
    message = str(reply).split(" ", 1)[0] if refused else "OK"
    sheet.gauge("redis_sentinel_master_ckquorum_status", _QUORUM, not refused, master_name=name, message=message)


COLLECTORS = (RedisCollector("sentinel", _sentinel, _commands, lambda scene: scene.mode == "sentinel"),)
