"""How a PostgreSQL server is configured."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from services.collector.sources.base import CollectorSwitch, PasswordModel
from services.common.durations import Duration

_MANAGED = ("rdsadmin", "cloudsqladmin", "azure_maintenance", "azure_sys")


class PostgresAddress(PasswordModel):
    """Where the server is: `dsn` (from `${ENV}` where it carries a password) or host, port, user and dbname."""

    dsn: SecretStr | None = None
    host: str | None = None
    port: int = Field(default=5432, ge=1, le=65_535)
    user: str | None = None
    dbname: str = "postgres"

    @model_validator(mode="after")
    def _one_address(self) -> "PostgresAddress":
        if (self.dsn is None) == (self.host is None):
            raise ValueError("give either dsn or host")
        if self.dsn is not None and urlsplit(self.dsn.get_secret_value()).scheme not in {"postgres", "postgresql"}:
            raise ValueError("dsn is not one of PostgreSQL; write it like postgresql://user@host:5432/postgres")
        return self

    @property
    def address(self) -> str:
        """Host, port and database, without user and password."""
        if self.dsn is None:
            return f"{self.host}:{self.port}/{self.dbname}"
        parts = urlsplit(self.dsn.get_secret_value())
        return parts.netloc.rpartition("@")[2] + parts.path


class PostgresTarget(PostgresAddress):
    """One server, with all its databases."""

    disk_path: Path | None = None
    """A path on the disk that holds the data, where the server runs on this machine."""
    disk_size: float | None = Field(default=None, gt=0)
    """Else that disk's size in bytes, against which databases and WAL are counted."""
    databases: tuple[str, ...] = ("*",)
    """Whose tables, indexes and sequences are read: names, `*` and `?` stand for any text. The one that is connected
    to is read at each scrape, the others each `databases_interval`, over one short connection after the other."""
    exclude_databases: tuple[str, ...] = _MANAGED
    max_databases: int = Field(default=50, ge=1, le=1000)
    databases_interval: Duration = Field(default=300.0, ge=1)
    bloat_interval: Duration = Field(default=1800.0, ge=1)
    """Bloat estimates are made in the tour through the databases, but not more often than this."""
    top_tables: int = Field(default=12, ge=0, le=10_000)
    """Tables of one database that have series of their own; the others are summed as `other`."""
    top_indexes: int = Field(default=10, ge=0, le=10_000)
    top_statements: int = Field(default=50, ge=0, le=5_000)
    statement_timeout: Duration = Field(default=5.0, gt=0)
    lock_timeout: Duration = Field(default=0.1, gt=0)
    compat: bool = True
    """Also the names that postgres_exporter had before, and those of other versions of the server."""
    collectors: Mapping[str, CollectorSwitch] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_collectors(self) -> "PostgresTarget":
        # Imported here: the registry's modules need this one.
        from services.collector.sources.postgres.registry import NAMES  # noqa: PLC0415 - see above

        for name in self.collectors:
            if name not in NAMES:
                raise ValueError(f"there is no collector {name!r}; there are: {', '.join(sorted(NAMES))}")
        return self
