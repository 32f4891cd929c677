"""`tls_config` in Prometheus' common form: which authorities to trust, and our own certificate."""

import ssl
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pydantic import Field, SecretStr

from services.common.config import ConfigError, StrictModel

TlsVersion = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1, "TLS11": ssl.TLSVersion.TLSv1_1, "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}  # fmt: skip


class TlsConfig(StrictModel):
    """`tls_config`: which authorities to trust, and our own certificate."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    ca: str = ""
    """The authorities themselves, in PEM."""
    cert: str = ""
    """Our own certificate itself, in PEM."""
    key: SecretStr | None = Field(default=None, repr=False)
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: TlsVersion = "TLS12"
    max_version: TlsVersion | None = None

    def context(self, base: Path) -> ssl.SSLContext:
        """Return the context; raises ConfigError that names the file that can't be used."""
        try:
            cafile = base / self.ca_file if self.ca_file else None
            context = ssl.create_default_context(cafile=cafile, cadata=self.ca or None)
            context.minimum_version = _VERSIONS[self.min_version]
            if self.max_version is not None:
                context.maximum_version = _VERSIONS[self.max_version]
            self._load_own(context, base)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"tls_config: {self.ca_file or ''} {self.cert_file or ''}: {error}") from error
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _load_own(self, context: ssl.SSLContext, base: Path) -> None:
        if self.cert_file:
            context.load_cert_chain(base / self.cert_file, base / self.key_file if self.key_file else None)
        elif self.cert and self.key is not None:
            # OpenSSL's own certificate comes from files only.
            with TemporaryDirectory() as folder:
                file = Path(folder) / "own.pem"
                file.touch(mode=0o600)
                file.write_text(f"{self.cert}\n{self.key.get_secret_value()}\n", encoding="utf-8")
                context.load_cert_chain(file)
