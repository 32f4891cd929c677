"""Redis Streams behind one small port."""

from services.common.bus.port import Bus, BusUnavailableError, Entry
from services.common.bus.redis_bus import RedisBus, connect_redis

__all__ = ["Bus", "BusUnavailableError", "Entry", "RedisBus", "connect_redis"]
