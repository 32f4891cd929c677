"""All collectors, in the order in which they run: later ones use what INFO said."""

from services.collector.sources.redis import clients, cluster, keys, sentinel, server, slowlog, streams
from services.collector.sources.redis.collector import RedisCollector

COLLECTORS: tuple[RedisCollector, ...] = (
    *server.FIRST,
    *slowlog.COLLECTORS,
    *server.LAST,
    *cluster.COLLECTORS,
    *sentinel.COLLECTORS,
    *clients.COLLECTORS,
    *keys.COLLECTORS,
    *streams.COLLECTORS,
)
