"""TLS of a check: its context, when the handshake began, and the certificates that the server sent."""

import hashlib
import ssl
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509

from services.collector.probes.client_config import TlsConfig
from services.collector.sheet import Sheet
from services.common.clock import Clock
from services.common.config import ConfigError

_CERTIFICATE = 11
_FROM_PEER = "read"
_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1, "TLS11": ssl.TLSVersion.TLSv1_1, "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}  # fmt: skip
# OpenSSL's codes, x509_vfy.h.
_REFUSED = {9: "not_yet_valid", 10: "expired", 18: "self_signed", 19: "self_signed", 62: "wrong_host", 64: "wrong_host"}
_GO_NAMES = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}


class Handshake:
    """One check's TLS: when its newest handshake began (before it is TCP, after it is TLS), and what came of it."""

    def __init__(self, clock: Clock, context: ssl.SSLContext) -> None:
        self.clock, self.context = clock, context
        self.started: float | None = None
        self.object: _Tls | None = None

    def make_current(self) -> None:
        """Let handshakes of the running task tell this check."""
        _CURRENT.set(self)


class _Tls(ssl.SSLObject):
    sent: tuple[bytes, ...] = ()
    """The server's certificates in DER, its own first; also when they were refused."""
    refused = ""
    """Why they were, in a word of `_REFUSED`."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            self.refused = _REFUSED.get(error.verify_code, "untrusted")
            raise


_CURRENT: ContextVar[Handshake] = ContextVar("handshake")


class _TimedContext(ssl.SSLContext):
    """Tells the check that runs when a handshake begins; the event loop calls this once the TCP connection stands."""

    sslobject_class = _Tls

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        made = super().wrap_bio(*args, **kwargs)
        if (check := _CURRENT.get(None)) is not None and isinstance(made, _Tls):
            check.started, check.object = check.clock.monotonic(), made
        return made


def _overhear(connection: Any, direction: str, version: Any, _content: Any, kind: Any, data: bytes) -> None:
    # OpenSSL drops a certificate that it refuses, before anybody can ask for it. It shows every message to this hook,
    # though, and an expired certificate is just the one whose date must be told.
    if direction == _FROM_PEER and kind == _CERTIFICATE and isinstance(connection, _Tls):
        connection.sent = certificates_of(bytes(data), tls13=version == ssl.TLSVersion.TLSv1_3)


def certificates_of(message: bytes, *, tls13: bool) -> tuple[bytes, ...]:
    """Return the certificates in a handshake message (RFC 5246 section 7.4.2, RFC 8446 section 4.4.2), header included.

    A message that is cut short gives what is whole in it.
    """
    at = 4 + (1 + message[4] if tls13 and len(message) > 4 else 0)  # noqa: PLR2004 - the header's length
    at += 3
    found = []
    while at + 3 <= len(message):
        size = int.from_bytes(message[at : at + 3], "big")
        der = message[at + 3 : at + 3 + size]
        if len(der) < size or not size:
            break
        found.append(der)
        at += 3 + size
        if tls13:
            at += 2 + int.from_bytes(message[at : at + 2], "big")
    return tuple(found)


def make_tls(clock: Clock, config: TlsConfig, base: Path) -> Handshake:
    """Return the TLS side of one check; raises ConfigError for a file that can't be read or used."""
    try:
        files = tuple((path, path.stat().st_mtime) for path in config.files(base))
        return Handshake(clock, _context(config, base, files))
    except OSError as error:
        raise ConfigError(f"tls_config can't be used: {error}; check its files") from error


@lru_cache(maxsize=64)
def _context(config: TlsConfig, base: Path, changed: tuple[tuple[Path, float], ...]) -> ssl.SSLContext:
    # Reading the system's certificates takes tens of milliseconds: too long to be done at each check.
    del changed
    context = _TimedContext(ssl.PROTOCOL_TLS_CLIENT)
    if config.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.ca_file is not None or config.ca is not None:
        context.load_verify_locations(
            cafile=None if config.ca_file is None else str(base / config.ca_file), cadata=config.ca
        )
    elif not config.insecure_skip_verify:
        context.load_default_certs()
    _load_own(context, config, base)
    if config.min_version is not None:
        context.minimum_version = _VERSIONS[config.min_version]
    if config.max_version is not None:
        context.maximum_version = _VERSIONS[config.max_version]
    if "_msg_callback" in dir(ssl.SSLContext):
        setattr(context, "_msg_callback", _overhear)  # noqa: B010 - the annotations know no such name
    return context


def _load_own(context: ssl.SSLContext, config: TlsConfig, base: Path) -> None:
    if config.cert_file is not None and config.key_file is not None:
        context.load_cert_chain(base / config.cert_file, base / config.key_file)
    elif config.cert is not None and config.key is not None:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "own.pem"
            file.touch(mode=0o600)
            file.write_text(f"{config.cert}\n{config.key.get_secret_value()}\n")
            context.load_cert_chain(file)


def write_tls(sheet: Sheet, tls: Handshake) -> None:
    """Write version, cipher and certificates of the newest handshake, also of one that failed; nothing without TLS."""
    if tls.object is None:
        return
    if tls.object.refused:
        text = "1 with the reason why the server's certificate was refused"
        sheet.gauge("probe_tls_certificate_refused", text, 1, reason=tls.object.refused)
    if (version := tls.object.version()) is not None and (cipher := tls.object.cipher()) is not None:
        name = _GO_NAMES.get(version, version)
        sheet.gauge("probe_tls_version_info", "Returns the TLS version used or NaN when unknown", 1, version=name)
        text = "Returns the TLS cipher negotiated during handshake"
        sheet.gauge("probe_tls_cipher_info", text, 1, cipher=cipher[0])
    sent = _readable(tls.object.sent)
    if not sent:
        return
    sheet.gauge(
        "probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime", min(one.ends for one in sent)
    )
    verified = _readable(_verified(tls.object))
    if verified and tls.context.verify_mode is ssl.CERT_REQUIRED:
        text = "Returns last SSL chain expiry in timestamp"
        sheet.gauge("probe_ssl_last_chain_expiry_timestamp_seconds", text, min(one.ends for one in verified))
    sheet.add(
        "probe_ssl_last_chain_info", "gauge", "Contains SSL leaf certificate information", 1, dict(sent[0].labels)
    )


@dataclass(frozen=True)
class _Certificate:
    """What the metrics tell of one: its end in seconds since the epoch, and labels."""

    ends: float
    labels: tuple[tuple[str, str], ...]


def _readable(chain: tuple[bytes, ...]) -> list[_Certificate]:
    # One that can't be read must not hide the others' dates.
    return [found for der in chain if (found := _read(der)) is not None]


@lru_cache(maxsize=256)
def _read(der: bytes) -> _Certificate | None:
    # Reading one costs more than the rest of a probe, and it is the same at each.
    try:
        certificate = x509.load_der_x509_certificate(der)
        labels = {
            "fingerprint_sha256": hashlib.sha256(der).hexdigest(),
            "subject": certificate.subject.rfc4514_string(),
            "issuer": certificate.issuer.rfc4514_string(),
            "subjectalternative": ",".join(_names(certificate)),
            "serialnumber": f"{certificate.serial_number:x}",
        }
        return _Certificate(certificate.not_valid_after_utc.timestamp(), tuple(labels.items()))
    except ValueError:
        return None


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def _verified(made: ssl.SSLObject) -> tuple[bytes, ...]:
    # Public from Python 3.13 on; before, only on the object inside, and as objects.
    ask = getattr(made, "get_verified_chain", None) or getattr(
        getattr(made, "_sslobj", None), "get_verified_chain", None
    )
    if ask is None or made.version() is None:
        return ()
    chain = ask() or ()
    return tuple(one if isinstance(one, bytes) else ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain)
