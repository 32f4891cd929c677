"""What a Redis target's configuration says."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from services.collector.sources.base import CollectorSwitch, PasswordModel
from services.common.config import StrictModel, read_secret
from services.common.durations import Duration

COLLECTOR_NAMES = (
    "info", "commands", "slowlog", "latency", "latency_histogram", "config", "modules", "cluster", "sentinel",
    "clients", "keys", "streams",
)  # fmt: skip


def check_redis_url(url: SecretStr) -> SecretStr:
    """Return the URL if it is one of Redis; the error does not show it, as it may carry a password."""
    if urlsplit(url.get_secret_value()).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("is not a Redis URL; write it like redis://host:6379/0")
    return url


def bare_address(url: SecretStr) -> str:
    """Return a URL without user and password."""
    parts = urlsplit(url.get_secret_value())
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


class TlsSettings(StrictModel):
    """Files for `rediss://`; read at each connect, so that certificates may change."""

    ca_file: Path | None = None
    """Default: the machine's own authorities."""
    cert_file: Path | None = None
    key_file: Path | None = None
    check_hostname: bool = True
    """Turn off where a certificate is right but names another host, as with nodes that are announced by number."""
    insecure_skip_verify: bool = False

    @model_validator(mode="after")
    def _pair(self) -> "TlsSettings":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("give cert_file and key_file together")
        return self


class KeyCheck(StrictModel):
    """One key by its name, or all keys that match a pattern of SCAN, within bounds."""

    key: str | None = Field(default=None, min_length=1)
    pattern: str | None = Field(default=None, min_length=1)
    db: int = Field(default=0, ge=0)
    max_keys: int = Field(default=50, ge=0, le=1000)
    """Keys of a pattern that get series of their own, by name; 0 only counts."""
    max_scanned: int = Field(default=200_000, ge=1)
    """Keys of the database that one look at a pattern goes through at most."""
    max_time: Duration = Field(default=0.5, gt=0)
    """Seconds that one look at a pattern takes at most."""
    min_interval: Duration = Field(default=60.0, ge=0)
    """Seconds between two looks at a pattern; its last result is given meanwhile."""
    memory: bool = True
    """Ask MEMORY USAGE too."""
    text: bool = False
    """Give a string that is no number as a label, its first 128 characters; of a key only, not of a pattern."""

    @model_validator(mode="after")
    def _one(self) -> "KeyCheck":
        if (self.key is None) == (self.pattern is None):
            raise ValueError("give either key or pattern")
        if self.text and self.key is None:
            raise ValueError("text is for a key, not for a pattern")
        return self


class StreamCheck(StrictModel):
    """A stream, whose groups and consumers are looked at."""

    key: str = Field(min_length=1)
    db: int = Field(default=0, ge=0)
    consumers: bool = True
    """Give each consumer's pending entries and idle time too."""
    max_consumers: int = Field(default=50, ge=1, le=1000)
    """Consumers of one group at most, those with the most pending entries."""


class RedisTarget(PasswordModel):
    """One server, or a Cluster or what Sentinels watch: its URL (from `${ENV}` where it carries a password)."""

    url: SecretStr
    username: str | None = None
    tls: TlsSettings | None = None
    discover: Literal["none", "cluster", "sentinel"] = "none"
    """Scrape all nodes of the Cluster, or all that the Sentinel at `url` watches, each with the label `node`."""
    seeds: tuple[SecretStr, ...] = ()
    """With `discover`: more URLs to ask for the nodes while `url` does not answer."""
    sentinel_masters: tuple[str, ...] = ()
    """With `discover: sentinel`: only these masters and their replicas."""
    sentinel_username: str | None = None
    sentinel_password: SecretStr | None = Field(default=None, repr=False)
    sentinel_password_file: Path | None = None
    """The Sentinels' own user and password, where they are not those of the servers."""
    max_nodes: int = Field(default=64, ge=1, le=1000)
    memory_limit: int | None = Field(default=None, gt=0)
    """Bytes that the server may use, where it has no maxmemory and its container's limit can't be read from here."""
    top_commands: int = Field(default=40, ge=1, le=1000)
    """Commands with series of their own, those that took the most time; the others are added up as `other`."""
    histogram_commands: int = Field(default=5, ge=0, le=200)
    """Commands with a latency histogram."""
    keys: tuple[KeyCheck, ...] = ()
    streams: tuple[StreamCheck, ...] = ()
    collectors: dict[str, CollectorSwitch] = Field(default_factory=dict)
    """Switches by the collector's name."""

    @field_validator("url")
    @classmethod
    def _check(cls, url: SecretStr) -> SecretStr:
        return check_redis_url(url)

    @field_validator("seeds")
    @classmethod
    def _check_seeds(cls, seeds: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return tuple(check_redis_url(url) for url in seeds)

    @model_validator(mode="after")
    def _fits(self) -> "RedisTarget":
        if self.discover == "none" and self.seeds:
            raise ValueError("seeds are for discover: cluster or discover: sentinel")
        secret = self.sentinel_password is not None or self.sentinel_password_file is not None
        if self.discover != "sentinel" and (self.sentinel_masters or self.sentinel_username or secret):
            raise ValueError("the sentinel_… keys are for discover: sentinel")
        unknown = sorted(set(self.collectors) - set(COLLECTOR_NAMES))
        if unknown:
            raise ValueError(f"there is no collector {unknown[0]!r}; there are: {', '.join(COLLECTOR_NAMES)}")
        if self.tls is not None and urlsplit(self.url.get_secret_value()).scheme != "rediss":
            raise ValueError("tls needs a URL like rediss://host:6379")
        return self

    def read_sentinel_password(self, base: Path) -> str | None:
        """Return the Sentinels' password; raises ConfigError when its file can't be read."""
        file = None if self.sentinel_password_file is None else base / self.sentinel_password_file
        own = read_secret(self.sentinel_password, file)
        return own if own is not None else self.read_password(base)
