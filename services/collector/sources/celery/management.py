"""RabbitMQ's management API: what a passive declare does not tell."""

from typing import Any
from urllib.parse import quote, unquote, urlsplit

import aiohttp
import orjson
from yarl import URL

_COLUMNS = "name,messages_ready,messages_unacknowledged,consumers,head_message_timestamp"
_MOST_BYTES = 16 * 1024**2
_OK = 200


class Management:
    """Asks for all queues of the broker's virtual host with the broker's own user."""

    def __init__(self, url: str, broker_url: str) -> None:
        parts = urlsplit(broker_url)
        vhost = unquote(parts.path.removeprefix("/")) or "/"
        self._url = f"{url.rstrip('/')}/api/queues/{quote(vhost, safe='')}?columns={_COLUMNS}"
        self._user = unquote(parts.username or "guest")
        self._password = unquote(parts.password or "guest")
        self._session: aiohttp.ClientSession | None = None

    async def queues(self, password: str | None, limit: float) -> dict[str, dict[str, Any]] | None:
        """Return fields of `QueueFacts` by queue name, None when the API can't be read within half of `limit`."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), trust_env=False)
        auth = aiohttp.encode_basic_auth(self._user, self._password if password is None else password)
        timeout = aiohttp.ClientTimeout(total=limit / 2)
        try:
            async with self._session.get(
                URL(self._url, encoded=True), headers={"Authorization": auth}, timeout=timeout
            ) as response:
                if response.status != _OK:
                    return None
                rows = orjson.loads(await _read(response))
        except (aiohttp.ClientError, OSError, ValueError):
            # The queues themselves were read by AMQP; celery_management_up 0 says that this part is missing.
            return None
        return {str(row["name"]): _facts(row) for row in rows if isinstance(row, dict) and "name" in row}

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise ValueError(f"the answer is longer than {_MOST_BYTES} bytes")
    return bytes(body)


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    unacked, head = row.get("messages_unacknowledged"), row.get("head_message_timestamp")
    return {
        "unacked": unacked if isinstance(unacked, int) else None,
        "head_sent_at": float(head) if isinstance(head, int | float) else None,
    }
