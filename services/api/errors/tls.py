"""HTTPS to the collector: whom to trust, and what to show."""

import ssl
from pathlib import Path

from pydantic import model_validator

from services.common.config import ConfigError, StrictModel


class CollectorTls(StrictModel):
    """For an https `collector_url`; the files are read again when they change."""

    ca_file: Path | None = None
    """Authorities, or the collector's own certificate; left out: the machine's authorities."""
    cert_file: Path | None = None
    """A certificate for a collector that asks for one, with `key_file`."""
    key_file: Path | None = None
    check_hostname: bool = True
    """Turn off where `ca_file` is the collector's own certificate, which names another host than `collector_url`."""

    @model_validator(mode="after")
    def _whole(self) -> "CollectorTls":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("give cert_file and key_file together")
        if not self.check_hostname and self.ca_file is None:
            raise ValueError("check_hostname: false needs ca_file: else any host's certificate would do")
        return self


class CollectorTrust:
    """Keeps the TLS context as long as its files are what they were."""

    def __init__(self, config: CollectorTls, base: Path) -> None:
        """Read the files; relative ones start at `base`. Raises ConfigError."""
        self._config, self._base = config, base
        self._seen: tuple[int, ...] | None = None
        self._context = self.context()

    def context(self) -> ssl.SSLContext:
        """Return the context of the files as they are now; raises ConfigError for one that can't be used."""
        files = [self._base / name for name in self._names()]
        try:
            state = tuple(path.stat().st_mtime_ns for path in files)
            if state != self._seen:
                self._context, self._seen = self._read(), state
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"api.collector_tls: {error}; check ca_file, cert_file and key_file") from error
        return self._context

    def _names(self) -> list[Path]:
        given = (self._config.ca_file, self._config.cert_file, self._config.key_file)
        return [name for name in given if name is not None]

    def _read(self) -> ssl.SSLContext:
        config = self._config
        context = ssl.create_default_context(cafile=None if config.ca_file is None else self._base / config.ca_file)
        # So a certificate may be trusted itself, without the one that signed it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.check_hostname = config.check_hostname
        if config.cert_file is not None and config.key_file is not None:
            context.load_cert_chain(self._base / config.cert_file, self._base / config.key_file, password="")
        return context
