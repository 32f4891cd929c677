"""Asking a child over HTTP whether it can do its job."""

import asyncio
import http.client
import socket
import ssl
from functools import partial

from services.supervisor.endpoints import Endpoint
from services.supervisor.process import Probe

_TIMEOUT = 2.0
_MAX_TEXT = 200
_OK = range(200, 300)


def http_probe(listen: str, path: str = "/-/ready", *, tls: bool = False) -> Probe:
    """Return a probe of an endpoint that answers 2xx when ready, else says what is missing."""
    return partial(asyncio.to_thread, _get, Endpoint.of(listen), path, tls=tls)


def listening_probe(listen: str) -> Probe:
    """Return a probe that an endpoint listens, for one that answers only who shows a certificate."""
    return partial(asyncio.to_thread, _connect, Endpoint.of(listen))


def _connect(endpoint: Endpoint) -> str:
    try:
        socket.create_connection((endpoint.host, endpoint.port), timeout=_TIMEOUT).close()
    except OSError as error:
        return f"does not answer ({type(error).__name__})"
    return ""


def _connection(endpoint: Endpoint, *, tls: bool) -> http.client.HTTPConnection:
    if not tls:
        return http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=_TIMEOUT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The certificate is made for the name that people use, not for this machine's own address; nothing secret is asked.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(endpoint.host, endpoint.port, timeout=_TIMEOUT, context=context)


def _get(endpoint: Endpoint, path: str, *, tls: bool) -> str:
    connection = _connection(endpoint, tls=tls)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read(_MAX_TEXT).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer ({type(error).__name__})"
    else:
        return "" if response.status in _OK else text or f"answers {response.status}"
    finally:
        connection.close()
