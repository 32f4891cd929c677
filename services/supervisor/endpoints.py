"""Where the servers are and how one logs in, as the services and the demo are told."""

from dataclasses import dataclass
from urllib.parse import quote

from services.common.config import split_listen


@dataclass(frozen=True)
class Endpoint:
    """One server's address as others on this machine reach it."""

    host: str
    port: int

    @classmethod
    def of(cls, listen: str) -> "Endpoint":
        """Return the address to connect to for an address to listen on; a wildcard is reached by loopback."""
        host, port = split_listen(listen)
        return cls({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104 - compared, not listened on

    @property
    def netloc(self) -> str:
        """`host:port` for URLs; IPv6 in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def http(self) -> str:
        """The address as an http URL without a path."""
        return f"http://{self.netloc}"


def postgres_dsn(endpoint: Endpoint, role: str, password: str, database: str) -> str:
    """Return a connection string."""
    return f"postgresql://{quote(role)}:{quote(password, safe='')}@{endpoint.netloc}/{quote(database)}"


def redis_url(endpoint: Endpoint, password: str, database: int = 0) -> str:
    """Return a Redis URL."""
    return f"redis://:{quote(password, safe='')}@{endpoint.netloc}/{database}"
