"""What a source is: one file that knows one kind of target."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol

from aiohttp import web
from pydantic import Field, SecretStr, StringConstraints

from services.collector.probes.base import Tools
from services.collector.probes.names import Names
from services.collector.sheet import Sheet
from services.common.clock import Clock
from services.common.config import StrictModel, read_secret
from services.common.durations import Duration
from services.common.oauth2 import TokenKeeper
from services.common.telemetry import Telemetry

TargetName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
"""Letters, digits, `_`, `.` and `-`: it stands in a label and in a URL."""


class TargetModel(StrictModel):
    """What every configured target has."""

    name: TargetName


class PasswordModel(TargetModel):
    """A target that may need a password: the value, usually from `${ENV}`, or a file that is read at each connect."""

    password: SecretStr | None = Field(default=None, repr=False)
    password_file: Path | None = None

    def read_password(self, base: Path) -> str | None:
        """Return the password; raises ConfigError when its file can't be read."""
        file = None if self.password_file is None else base / self.password_file
        return read_secret(self.password, file)


class CollectorSwitch(StrictModel):
    """One line of a target's `collectors: {NAME: {enabled, min_interval}}`."""

    enabled: bool | None = None
    """None: as the collector itself has it by default."""
    min_interval: Duration | None = Field(default=None, ge=0)
    """Seconds for which a result is given again before the target is asked anew; None: the collector's own default."""


@dataclass(frozen=True)
class Context:
    """What a source may use of the collector."""

    clock: Clock
    telemetry: Telemetry
    base: Path
    """Where relative paths start."""
    stack: AsyncExitStack
    """Closes what the source has opened."""
    data_dir: Path = Path(".tocsin")
    """Where a source may keep what must survive a restart, in a folder of its kind's name."""
    names: Names = field(default_factory=Names)
    """Looks up the addresses of probed targets."""
    tokens: TokenKeeper = field(default_factory=TokenKeeper)
    """By OAuth2, for probed targets."""

    @property
    def tools(self) -> Tools:
        """What probes need."""
        return Tools(self.clock, self.names, self.base, self.tokens)


class Source(Protocol):
    """One target. `collect` is never called twice at a time, and is cancelled when its time is over."""

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """Write samples onto the sheet within `limit` seconds; what is written before an error is kept.

        Raises any error; `reasons.reason_of` finds the reason in it.
        """
        ...

    def down(self, sheet: Sheet, reason: str) -> None:
        """Write what must be said of a target that could not be scraped, such as `redis_up 0`."""
        ...


Opener = Callable[[Any, Context], Awaitable[Source]]


SourcePage = Callable[[Sequence[Any], web.Request], Awaitable[web.StreamResponse]]
"""Answers a request from the sources of one kind that are in force, in the order of the configuration."""


@dataclass(frozen=True)
class SourceKind:
    """One line of the registry."""

    key: str
    """Name of its file, of its list in the configuration, and of its page `/metrics/<key>`."""
    model: type[StrictModel]
    """Has a `name`."""
    open: Opener
    address: Callable[[Any], str]
    """Return a target's address without credentials, for `/probe?target=` and the landing page."""
    pages: Mapping[str, SourcePage] = field(default_factory=dict)
    """Pages of its own by path, such as `/errors`; a caller must show the service token."""
