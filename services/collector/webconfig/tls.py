"""The server's TLS, with certificates that rotate without a restart."""

import ssl
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.collector.webconfig.model import TlsServerConfig
from services.common.config import ConfigError

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1, "TLS11": ssl.TLSVersion.TLSv1_1, "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}  # fmt: skip
_MODES = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
# Go's names of what it still offers below TLS 1.3 → OpenSSL's.
_CIPHERS = {
    f"TLS_{exchange}_WITH_{cipher}": f"{exchange.replace('_', '-')}-{short}"
    for exchange in ("ECDHE_ECDSA", "ECDHE_RSA")
    for cipher, short in (
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"), ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"), ("CHACHA20_POLY1305", "CHACHA20-POLY1305"),
        ("AES_128_CBC_SHA", "AES128-SHA"), ("AES_256_CBC_SHA", "AES256-SHA"),
    )
}  # fmt: skip
_TLS13 = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})


def files_of(config: TlsServerConfig, folder: Path) -> list[Path]:
    """Return the files that are read, so that a change of one is noticed."""
    given = (config.cert_file, config.key_file, config.client_ca_file)
    return [folder / path for path in given if path is not None]


def server_context(config: TlsServerConfig, folder: Path) -> ssl.SSLContext:
    """Return a context for the server; raises ConfigError for files and names that can't be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = _VERSIONS[config.min_version], _VERSIONS[config.max_version]
    context.verify_mode = _MODES[config.client_auth_type]
    try:
        _load(context, config, folder)
        ca_file = None if config.client_ca_file is None else str(folder / config.client_ca_file)
        if ca_file is not None or config.client_ca is not None:
            context.load_verify_locations(cafile=ca_file, cadata=config.client_ca)
        _choose(context, config)
    except (OSError, ValueError) as error:
        raise ConfigError(f"tls_server_config can't be used: {error}; check its files and names") from error
    return context


def _load(context: ssl.SSLContext, config: TlsServerConfig, folder: Path) -> None:
    with TemporaryDirectory() as place:
        cert = folder / config.cert_file if config.cert_file is not None else Path(place) / "cert.pem"
        key = folder / config.key_file if config.key_file is not None else Path(place) / "key.pem"
        if config.cert is not None:
            cert.write_text(config.cert)
        if config.key is not None:
            key.touch(mode=0o600)
            key.write_text(config.key.get_secret_value())
        context.load_cert_chain(cert, key)


def _choose(context: ssl.SSLContext, config: TlsServerConfig) -> None:
    if config.cipher_suites:
        unknown = [name for name in config.cipher_suites if name not in _CIPHERS and name not in _TLS13]
        if unknown:
            raise ValueError(f"unknown cipher {unknown[0]}")
        # Those of TLS 1.3 are not to be chosen, in Go as well.
        if old := [_CIPHERS[name] for name in config.cipher_suites if name in _CIPHERS]:
            context.set_ciphers(":".join(old))
    if config.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    if config.curve_preferences:
        if (curve := config.curve_preferences[0]) not in _CURVES:
            raise ValueError(f"unknown curve {curve}")
        context.set_ecdh_curve(_CURVES[curve])


def rotating(context: ssl.SSLContext, newest: Callable[[], ssl.SSLContext]) -> None:
    """Have each handshake on the context use the certificates and client CAs of the one that `newest` returns."""

    def swap(connection: Any, _name: str | None, _own: ssl.SSLContext) -> None:
        connection.context = newest()

    context.sni_callback = swap


def allowed_by_name(certificate: dict[str, Any] | None, allowed: tuple[str, ...]) -> bool:
    """Tell whether a client's certificate (as `getpeercert` gives it) has one of the allowed names."""
    if not allowed:
        return True
    names = {str(value) for _, value in (certificate or {}).get("subjectAltName", ())}
    return not names.isdisjoint(allowed)
