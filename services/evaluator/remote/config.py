"""How other servers are reached."""

from pydantic import Field, field_validator

from services.common.durations import Duration
from services.evaluator.scrape.http_settings import HttpSettings


class _Server(HttpSettings):
    url: str

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is not a URL; write it like http://prometheus:9090")
        return url


class SourceConfig(_Server):
    """Credentials and limits for a server that rule groups name as their `source`, found by its `url`."""

    timeout: Duration = Field(default=10.0, gt=0)
    max_concurrency: int = Field(default=8, gt=0)


class RemoteWriteConfig(_Server):
    """A server that gets the series that rules write; `url` is its whole address, like http://host:9090/api/v1/write."""

    name: str = ""
    remote_timeout: Duration = Field(default=30.0, gt=0)
    capacity: int = Field(default=100_000, gt=0)
    """Samples that may wait; beyond that the oldest are dropped and counted."""
    max_samples_per_send: int = Field(default=2_000, gt=0)
    min_backoff: Duration = Field(default=0.03, gt=0)
    max_backoff: Duration = Field(default=5.0, gt=0)
    flush_deadline: Duration = Field(default=5.0, gt=0)
    """How long a stop waits for the samples that still wait to be sent."""

    @property
    def label(self) -> str:
        """What the server is called in metrics and logs."""
        return self.name or self.url
