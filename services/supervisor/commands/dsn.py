"""Which database a command is about."""

from pathlib import Path

from services.common.config import ConfigError, ConfigFile


def dsn_of(config: Path) -> str:
    """Return the connection string of the configuration's Postgres; raises ConfigError."""
    if not config.exists():
        raise ConfigError(
            f"{config}: there is no such file; give the configuration by --config, or start `tocsin up` once"
        )
    shared = ConfigFile(config).shared()
    if shared.postgres is None:
        effective = shared.data_dir / "run" / "tocsin.yml"
        if effective.exists() and effective.resolve() != config.resolve():
            return dsn_of(effective)
        raise ConfigError(f"{config}: no postgres is given; start `tocsin up` once, or set postgres.dsn_file")
    return shared.postgres.resolve()
