"""`tocsin ready URL`: the health check of a container."""

import argparse
import asyncio
import sys
from urllib.parse import urlsplit

from services.supervisor.probes import http_probe


def run(options: argparse.Namespace) -> int:
    """Ask a service whether it can do its job: 0 when it can, else 1 and what is missing."""
    url = urlsplit(options.url)
    if url.scheme not in {"http", "https"} or url.hostname is None or url.port is None:
        sys.stderr.write(f"{options.url}: write it like http://127.0.0.1:9700\n")
        return 1
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    missing = asyncio.run(http_probe(f"{host}:{url.port}", tls=url.scheme == "https")())
    if missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    return 0
