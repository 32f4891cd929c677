"""HTTPS of the API: the certificate that is served, and how it changes without a restart."""

import ssl
from pathlib import Path
from typing import Any, Literal

import structlog

from services.common.config import ConfigError, StrictModel

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
log = structlog.get_logger(__name__)


class TlsConfig(StrictModel):
    """Files in PEM form; both are read again at SIGHUP."""

    cert_file: Path
    """The certificate, followed by those between it and the root."""
    key_file: Path
    min_version: Literal["1.2", "1.3"] = "1.2"


class ServerTls:
    """Serves the newest good certificate: a bad one is told and the one before stays."""

    def __init__(self, config: TlsConfig, base: Path) -> None:
        """Read the files; relative ones start at `base`. Raises ConfigError."""
        self._config, self._base = config, base
        self._newest = self._read()
        self.context = self._read()
        """To listen with."""
        self.context.sni_callback = self._swap

    def _swap(self, connection: Any, _name: str | None, _own: ssl.SSLContext) -> None:
        # Called at each handshake, also without a name: the files are never seen half loaded.
        connection.context = self._newest

    def reload(self) -> None:
        """Serve what the files have now to new connections; raises ConfigError and goes on with what was."""
        self._newest = self._read()

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _VERSIONS[self._config.min_version]
        # WebSocket is HTTP/1.1's.
        context.set_alpn_protocols(["http/1.1"])
        cert, key = self._base / self._config.cert_file, self._base / self._config.key_file
        for path in (cert, key):
            if not path.is_file():
                raise ConfigError(f"api.tls: {path} is not there; write the file, or the key that names it")
        try:
            # Without a password: a key that needs one would ask for it at the terminal.
            context.load_cert_chain(cert, key, password=_no_password)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"api.tls: {cert} and {key} can't be used: {getattr(error, 'reason', None) or error};"
                " they must be a certificate and its key in PEM form, the key without a password"
            ) from error
        return context


def _no_password() -> str:
    raise ValueError("the key is protected by a password")
