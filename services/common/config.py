"""Reading one YAML file that all services share, with errors that name file and line."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from services.common.yaml_source import KeyPath, YamlError, YamlSource, read_yaml

SECTIONS = ("collector", "evaluator", "notifier", "api", "demo")
_MAX_PORT = 65_535
# `${NAME}` only in capitals: relabelling's `${1}` must pass untouched.
_REFERENCE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")


class ConfigError(ValueError):
    """A configuration that can't be used: one line for each mistake, each `file:line:column: what; the mend`."""


class StrictModel(BaseModel):
    """Base of every configuration model: unknown keys are refused, values don't change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _check_listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > _MAX_PORT:
        raise ValueError(f"{text!r} is not an address to listen on; write it like 127.0.0.1:9700")
    return text


Listen = Annotated[str, AfterValidator(_check_listen)]
"""`host:port`; IPv6 hosts in brackets; port 0 lets the system choose."""


def split_listen(listen: str) -> tuple[str, int]:
    """Return host (without brackets) and port."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def read_secret(value: SecretStr | None, file: Path | None) -> str | None:
    """Return the secret from its value or from its file, less the newline at the end.

    Raises ConfigError when the file can't be read; the message never shows a secret.
    """
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise ConfigError(f"{file}: the secret can't be read: {error.strerror}") from error
    return value.get_secret_value() if value is not None else None


class PostgresSettings(StrictModel):
    """Where the lasting record is kept."""

    dsn: SecretStr | None = None
    dsn_file: Path | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "PostgresSettings":
        if (self.dsn is None) == (self.dsn_file is None):
            raise ValueError("give either dsn or dsn_file")
        return self

    def resolve(self) -> str:
        """Return the connection string; raises ConfigError when its file can't be read."""
        return read_secret(self.dsn, self.dsn_file) or ""


class RedisSettings(StrictModel):
    """Where streams, alert state and timers are kept."""

    url: SecretStr | None = None
    url_file: Path | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "RedisSettings":
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give either url or url_file")
        return self

    def resolve(self) -> str:
        """Return the URL; raises ConfigError when its file can't be read."""
        return read_secret(self.url, self.url_file) or ""


class EmbeddedSettings(StrictModel):
    """The servers that `tocsin up` starts when `postgres` or `redis` is not given."""

    postgres_listen: Listen = "127.0.0.1:9710"
    redis_listen: Listen = "127.0.0.1:9711"


class Shared(StrictModel):
    """What every service reads beside its own section."""

    data_dir: Path = Path(".tocsin")
    postgres: PostgresSettings | None = None
    redis: RedisSettings | None = None
    embedded: EmbeddedSettings = EmbeddedSettings()
    external_url: str = "http://127.0.0.1:8080"
    """Where people reach the dashboard; links in notifications start with it."""
    service_token_file: Path | None = None
    """What programs show to each other and to our own endpoints; default `<data_dir>/secrets/service-token`."""
    heartbeat_interval: float = Field(default=5.0, gt=0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"

    @property
    def token_path(self) -> Path:
        """The file of the service token."""
        return self.service_token_file or self.data_dir / "secrets" / "service-token"


Model = TypeVar("Model", bound=BaseModel)


class ConfigFile:
    """One `tocsin.yml`: shared keys and a section for each service; relative paths start at the file's folder."""

    def __init__(
        self, path: Path, *, environ: Mapping[str, str] = os.environ, overrides: Mapping[KeyPath, Any] | None = None
    ) -> None:
        try:
            source = read_yaml(path)
        except YamlError as error:
            raise ConfigError(str(error)) from error
        data = {} if source.data is None else source.data
        if not isinstance(data, dict):
            raise ConfigError(str(source.error((), "the file must be a mapping of sections")))
        for key_path, value in (overrides or {}).items():
            data = _put(data, key_path, value, source, ())
        self.path = path
        self.written: dict[str, Any] = data
        """The keys as written, variables not yet looked up, overrides put in."""
        self._source, self._environ = YamlSource(source.file, data, source.positions), environ

    @property
    def base(self) -> Path:
        """The folder that relative paths in the file start at."""
        return self.path.resolve().parent

    def shared(self) -> Shared:
        """Return the keys that all services read; raises ConfigError."""
        own = {key: value for key, value in self.written.items() if key not in SECTIONS}
        shared = validate(Shared, self._looked_up(own, ()), self._source, ())
        return shared.model_copy(update={"data_dir": self.base / shared.data_dir})

    def section(self, name: str, model: type[Model]) -> Model:
        """Return one service's section (empty where the file has none); raises ConfigError."""
        return validate(model, self._looked_up(self.written.get(name) or {}, (name,)), self._source, (name,))

    def _looked_up(self, data: Any, path: KeyPath) -> Any:
        # Only what is asked for: a command that needs the database alone runs without the other sections' variables.
        return _substitute(data, path, self._source, self._environ)


def validate(model: type[Model], data: Any, source: YamlSource, path: KeyPath) -> Model:
    """Check data found at `path` of the source against the model; raises ConfigError with a line per mistake."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = []
        for mistake in error.errors():
            where = (*path, *(part for part in mistake["loc"] if not str(part).startswith("function-")))
            message = mistake["msg"].removeprefix("Value error, ")
            if mistake["type"] == "extra_forbidden":
                message = f"unknown key; known here: {', '.join(sorted(_known(model, mistake['loc'])))}"
            lines.append(str(source.error(where, f"{'.'.join(map(str, where)) or 'file'}: {message}")))
        raise ConfigError("\n".join(lines)) from error


def _put(data: Any, path: KeyPath, value: Any, source: YamlSource, above: KeyPath) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ConfigError(
            str(source.error(above, f"{'.'.join(map(str, above))} is not a mapping, nothing can be set in it"))
        )
    key, *rest = path
    inner = _put(data.get(str(key)) or {}, tuple(rest), value, source, (*above, key)) if rest else value
    return {**data, str(key): inner}


def _known(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    # Walks to the innermost model that the location names; alternatives of a union are named in the location too.
    current: Any = model
    for part in loc[:-1]:
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            continue
        current = next(
            (a for a in (field.annotation, *getattr(field.annotation, "__args__", ())) if hasattr(a, "model_fields")),
            current,
        )
    return [info.alias or name for name, info in current.model_fields.items()]


def _substitute(value: Any, path: KeyPath, source: YamlSource, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _substitute(item, (*path, key), source, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, (*path, index), source, environ) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def look_up(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environ:
            raise ConfigError(
                str(source.error(path, f"environment variable {name} is not set; set it or write the value"))
            )
        return environ[name]

    return _REFERENCE.sub(look_up, value)
