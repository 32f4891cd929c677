"""Addresses to listen on, tried before anything starts, so that a taken one is named with its setting."""

import errno
import socket
from collections.abc import Mapping

from services.common.config import split_listen


class PortsTakenError(RuntimeError):
    """Some addresses can't be had: one line for each, with the setting that moves it."""


def check_ports(listens: Mapping[str, str]) -> None:
    """Try each address (`setting → host:port`); raises PortsTakenError that names all that can't be had."""
    problems = []
    seen: dict[str, str] = {}
    for setting, listen in listens.items():
        port = split_listen(listen)[1]
        if port and listen in seen:
            problems.append(f"{setting} and {seen[listen]} are both {listen}; {_mend(setting)}")
            continue
        seen[listen] = setting
        if (reason := _try(listen)) is not None:
            problems.append(f"{listen} {reason}; {_mend(setting)}")
    if problems:
        raise PortsTakenError("\n".join(problems))


def _mend(setting: str) -> str:
    return f"free it, or set {setting} in the configuration or by --set {setting}=HOST:PORT"


def _try(listen: str) -> str | None:
    host, port = split_listen(listen)
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
    except socket.gaierror as error:
        return f"can't be resolved ({error.strerror})"
    with socket.socket(family, kind) as probe:
        # As the servers do themselves: an address whose last connections only fade out is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "is taken by another program"
            return f"can't be listened on ({error.strerror})"
    return None
