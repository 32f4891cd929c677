"""`host:port` texts, as Go's net package splits them."""

import ipaddress


def split_host_port(text: str) -> tuple[str, str] | None:
    """Return host and port of `host:port` or `[host]:port`; None for any other form."""
    colon = text.rfind(":")
    if colon < 0:
        return None
    if text.startswith("["):
        close = text.find("]")
        if close < 0 or close + 1 != colon:
            return None
        host, rest = text[1:close], text[close + 1 :]
        bad = "[" in text[1:] or "]" in rest
    else:
        host = text[:colon]
        bad = ":" in host or "[" in text or "]" in text
    return None if bad else (host, text[colon + 1 :])


def strip_port(text: str) -> str:
    """Return the host of `host:port`; a text of any other form unchanged."""
    parts = split_host_port(text)
    return text if parts is None else parts[0]


def strip_domain(text: str) -> str:
    """Return a host name's first label, with the port that follows; an IP address unchanged."""
    host, port = split_host_port(text) or (text, "")
    if _is_address(host):
        return text
    label = host.split(".", 1)[0]
    if not port:
        return label
    return f"[{label}]:{port}" if ":" in label else f"{label}:{port}"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text
