"""AWS Signature Version 4 of a request. Source: AWS IAM User Guide, "Create a signed AWS API request". Pure."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from yarl import URL

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Keys:
    """What a request is signed with; `token` belongs to keys that end."""

    access: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)

    @property
    def hidden(self) -> tuple[str, ...]:
        """What no error may show."""
        return tuple(filter(None, (self.secret, self.token)))


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    keys: Keys,
    region: str,
    service: str,
    at: float,
) -> dict[str, str]:
    """Return the headers with those that prove who asks; `at` (Unix seconds) may be 15 min off AWS' own time.

    All headers given are signed: leave out what a proxy changes.
    """
    # The address as the HTTP client writes it into the request, so that both sign the same.
    target = URL(url)
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    added = {"X-Amz-Date": stamp, **({"X-Amz-Security-Token": keys.token} if keys.token else {})}
    signed = {name.lower(): " ".join(value.split()) for name, value in {**headers, **added}.items()}
    signed["host"] = target.host_port_subcomponent or ""
    names = ";".join(sorted(signed))
    canonical = "\n".join((
        method, _quoted(target.raw_path or "/", "/"), _query(target),
        *(f"{name}:{signed[name]}" for name in sorted(signed)), "",
        names, hashlib.sha256(body).hexdigest(),
    ))  # fmt: skip
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    told = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(_key(keys.secret, scope), told.encode(), hashlib.sha256).hexdigest()
    proof = f"{_ALGORITHM} Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, **added, "Authorization": proof}


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _query(url: URL) -> str:
    pairs = sorted((_quoted(name, ""), _quoted(value, "")) for name, value in url.query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def _quoted(text: str, safe: str) -> str:
    return quote(text, safe=f"{safe}-_.~")
