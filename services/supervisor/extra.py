"""What may run beside Tocsin under the same supervisor: the demo, or anything of this shape."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from services.common.config import ConfigFile
from services.supervisor.postgres import EmbeddedPostgres, OwnDatabase
from services.supervisor.process import Process
from services.supervisor.redis import EmbeddedRedis


class Extra(Protocol):
    """Further child processes with their own databases on the embedded servers."""

    databases: Sequence[OwnDatabase]

    def listens(self, config: ConfigFile) -> Mapping[str, str]:
        """Return `setting → address` of what its processes listen on."""
        ...

    def variables(self, config: ConfigFile, postgres: EmbeddedPostgres, redis: EmbeddedRedis) -> Mapping[str, str]:
        """Return the variables that its configuration file refers to."""
        ...

    async def prepare(
        self, config: ConfigFile, postgres: EmbeddedPostgres, redis: EmbeddedRedis, run: Path
    ) -> Sequence[Process]:
        """Make its tables and files, once the servers answer; return its processes."""
        ...

    def welcome(self, config: ConfigFile) -> Sequence[str]:
        """Return the lines to show when all is up."""
        ...
