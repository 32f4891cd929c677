"""The configuration in force: the person's file, the command line's settings, and what only the supervisor knows."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from services.collector.webconfig.model import TlsServerConfig, read_web_config
from services.common.config import ConfigError, ConfigFile, Shared, StrictModel
from services.common.yaml_source import KeyPath
from services.supervisor.datadir import DataDir, write_private
from services.supervisor.endpoints import Endpoint

SERVICES = ("collector", "evaluator", "notifier", "api")


class _AnyVariable(Mapping[str, str]):
    """Every variable is set: for a first look at the keys that tell which variables there will be."""

    def __getitem__(self, name: str) -> str:
        return os.environ.get(name, "x")

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)


def config_model(service: str) -> type[StrictModel]:
    """Return the model of a service's section."""
    model: type[StrictModel] = getattr(import_module(f"services.{service}.config"), f"{service.capitalize()}Config")
    return model


@dataclass(frozen=True)
class Draft:
    """A configuration file with the command line's settings, before its variables are known."""

    file: Path
    overrides: Mapping[KeyPath, Any]
    config: ConfigFile
    shared: Shared

    @classmethod
    def read(cls, file: Path, overrides: Mapping[KeyPath, Any], *, data_dir: Path | None = None) -> "Draft":
        """Read the file and its shared keys; raises ConfigError."""
        given = dict(overrides)
        if data_dir is not None:
            given["data_dir",] = str(data_dir.absolute())
        config = ConfigFile(file, environ=_AnyVariable(), overrides=given)
        return cls(file, given, config, config.shared())

    @property
    def base(self) -> Path:
        """The folder that relative paths in the file start at."""
        return self.config.base

    def listens(self) -> dict[str, str]:
        """Return `setting → address` of the four services; their models' defaults where nothing is written."""
        found = {}
        for service in SERVICES:
            written = _section(self.config.written, service).get("listen")
            found[f"{service}.listen"] = str(written or config_model(service).model_fields["listen"].default)
        return found

    @property
    def dashboard(self) -> str:
        """Where people reach the dashboard: as configured, else where the API listens."""
        return str(self.config.written.get("external_url") or self.api_url)

    @property
    def api_tls(self) -> bool:
        """Whether the API itself serves HTTPS."""
        return bool(_section(self.config.written, "api").get("tls"))

    @property
    def collector_tls(self) -> TlsServerConfig | None:
        """What the collector's web configuration file says of HTTPS; None without it, or while it can't be read."""
        written = _section(self.config.written, "collector").get("web_config_file")
        if not written:
            return None
        try:
            return read_web_config(self.base / str(written)).tls_server_config
        except ConfigError:
            # The collector itself says what is wrong with it, and does not start.
            return None

    @property
    def tls(self) -> frozenset[str]:
        """The services that serve HTTPS."""
        collector = {"collector"} if self.collector_tls is not None else set()
        return frozenset(collector | ({"api"} if self.api_tls else set()))

    @property
    def mutual_tls(self) -> frozenset[str]:
        """The services that answer only who shows a certificate."""
        tls = self.collector_tls
        return frozenset({"collector"} if tls and tls.client_auth_type == "RequireAndVerifyClientCert" else ())

    @property
    def api_url(self) -> str:
        """Where the API listens, as an URL."""
        endpoint = Endpoint.of(self.listens()["api.listen"])
        return f"https://{endpoint.netloc}" if self.api_tls else endpoint.http

    def validate(self, environ: Mapping[str, str]) -> ConfigFile:
        """Check every section, now that the variables are known; raises ConfigError with all mistakes."""
        config = ConfigFile(self.file, environ=environ, overrides=self.overrides)
        config.shared()
        problems = []
        for service in SERVICES:
            try:
                config.section(service, config_model(service))
            except ConfigError as error:
                problems.append(str(error))
        if problems:
            raise ConfigError("\n".join(problems))
        return config


def service_variables(listens: Mapping[str, str], data_dir: Path) -> dict[str, str]:
    """Return the variables that any file may refer to: where the services are (`${TOCSIN_COLLECTOR}` = host:port)."""
    variables = {f"TOCSIN_{service.upper()}": Endpoint.of(listens[f"{service}.listen"]).netloc for service in SERVICES}
    return {**variables, "TOCSIN_DATA_DIR": str(data_dir)}


def write_effective(draft: Draft, data: DataDir, *, dsn: str | None, url: str | None) -> Path:
    """Write `run/tocsin.yml`: the draft, plus the embedded servers' logins (by file) and the services' addresses.

    References to variables stay references, so that no secret of the environment gets on disk. Keys that the person
    wrote are kept as they are.
    """
    merged = dict(draft.config.written)
    listens = draft.listens()
    http = {service: Endpoint.of(listens[f"{service}.listen"]).http for service in SERVICES}
    if "collector" in draft.tls:
        http["collector"] = http["collector"].replace("http://", "https://", 1)
    merged["data_dir"] = str(data.root)
    merged["service_token_file"] = str(draft.config.base / draft.shared.token_path)
    merged.setdefault("external_url", draft.api_url)
    for section, key in (("postgres", "dsn_file"), ("redis", "url_file")):
        if key in (written := _section(merged, section)):
            merged[section] = {**written, key: str(draft.config.base / written[key])}
    if dsn is not None:
        merged["postgres"] = {"dsn_file": str(data.write_secret("postgres-dsn", dsn + "\n"))}
    if url is not None:
        merged["redis"] = {"url_file": str(data.write_secret("redis-url", url + "\n"))}
    _fill(merged, "evaluator", {"notifier_urls": [http["notifier"]]})
    _fill(merged, "api", {f"{service}_url": http[service] for service in ("evaluator", "notifier", "collector")})
    if (tls := draft.collector_tls) is not None:
        _fill_collector_tls(merged, draft, tls)
    text = "# Written at each start by `tocsin up`; change the file that it was given instead.\n"
    return write_private(data.run / "tocsin.yml", text + yaml.safe_dump(merged, sort_keys=False, allow_unicode=True))


def _fill_collector_tls(merged: dict[str, Any], draft: Draft, tls: TlsServerConfig) -> None:
    # The certificate is for the name that people use; the API, on the same machine, trusts this very one.
    if tls.cert_file is not None and "collector_url" not in _section(draft.config.written, "api"):
        web = draft.base / str(_section(draft.config.written, "collector")["web_config_file"])
        trusted = {"ca_file": str(web.parent / tls.cert_file), "check_hostname": False}
        _fill(merged, "api", {"collector_tls": trusted})


def _section(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = data.get(name)
    return dict(section) if isinstance(section, dict) else {}


def _fill(data: dict[str, Any], section: str, defaults: Mapping[str, Any]) -> None:
    """Add the keys that the section lacks and that its model knows."""
    known = config_model(section).model_fields
    missing = {key: value for key, value in defaults.items() if key in known}
    data[section] = {**missing, **_section(data, section)}
