"""One ping; blackbox_exporter's icmp prober. A datagram socket needs no privilege where the system allows it."""

import asyncio
import errno
import os
import socket
import struct
from typing import Annotated

from pydantic import Field

from services.collector.probes.base import DialModule, Prober, Run
from services.collector.reasons import Reason, ScrapeError

_DURATION = "Duration of icmp request by phase"
_ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
_HEADER = struct.Struct("!BBHHH")
_MAX_PACKET = 65_535
_IP_MTU_DISCOVER, _IP_PMTUDISC_DO, _IP_RECVTTL, _IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 10, 2, 12, 51, 52
_MAX_PAYLOAD = 65_000


class IcmpModule(DialModule):
    """How to check: blackbox_exporter's keys of the icmp prober."""

    payload_size: Annotated[int, Field(ge=0, le=_MAX_PAYLOAD)] = 24
    dont_fragment: bool = False
    ttl: Annotated[int, Field(ge=0, le=255)] = 64


def icmp_target(text: str) -> str:
    """Return a host; raises ValueError."""
    if not text or set(text) & set("/@ ?#"):
        raise ValueError(f"{text!r} is not a host; write it like gateway.example or 10.0.0.1")
    return text


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


async def probe_icmp(run: Run, target: str, module: IcmpModule) -> Reason | None:
    """Ping a host; return None once it has answered; raises OSError or ScrapeError. The caller bounds the time."""
    phases = dict.fromkeys(("resolve", "setup", "rtt"), 0.0)
    try:
        address = await run.look_up(
            target.strip("[]"), module.preferred_ip_protocol, fallback=module.ip_protocol_fallback
        )
        phases["resolve"] = run.dns or 0.0
        begin = run.clock.monotonic()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with _open(family, module) as made:
            phases["setup"] = run.clock.monotonic() - begin
            sent = run.clock.monotonic()
            hops = await _exchange(made, family, address, module.payload_size)
            phases["rtt"] = run.clock.monotonic() - sent
        if hops is not None:
            run.sheet.gauge("probe_icmp_reply_hop_limit", "Replied packet hop limit (TTL for ipv4)", hops)
    finally:
        for phase, seconds in phases.items():
            run.sheet.gauge("probe_icmp_duration_seconds", _DURATION, seconds, phase=phase)
    return None


def _open(family: socket.AddressFamily, module: IcmpModule) -> socket.socket:
    made = None
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            made = socket.socket(family, kind, _PROTOCOL[family])
            break
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EPERM, errno.EPROTONOSUPPORT}:
                raise
    if made is None:
        text = "pings are not allowed; put the collector's group into sysctl net.ipv4.ping_group_range"
        raise ScrapeError(Reason.PERMISSION, text)
    made.setblocking(False)
    if family is socket.AF_INET:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, module.ttl)
        made.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        if module.dont_fragment:
            made.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DO)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, module.ttl)
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
    if module.source_ip_address is not None:
        made.bind((module.source_ip_address, 0))
    return made


async def _exchange(made: socket.socket, family: socket.AddressFamily, address: str, size: int) -> int | None:
    raw = made.type & 0xF == socket.SOCK_RAW
    request, reply = _ECHO[family]
    number, sequence = os.getpid() & 0xFFFF, int.from_bytes(os.urandom(2), "big")
    payload = os.urandom(size)
    head = _HEADER.pack(request, 0, 0, number, sequence)
    head = _HEADER.pack(request, 0, checksum(head + payload), number, sequence)
    made.sendto(head + payload, (address, 0))
    while True:
        await _readable(made)
        data, extra, _, sender = made.recvmsg(_MAX_PACKET, 256)
        hops = next((struct.unpack("i", value[:4])[0] for _, kind, value in extra if kind in _HOP_KINDS), None)
        if raw and family is socket.AF_INET:
            hops, data = data[8], data[(data[0] & 0xF) * 4 :]
        if len(data) < _HEADER.size or sender[0].partition("%")[0] != address:
            continue
        kind, _, _, _, answered = _HEADER.unpack_from(data)
        # The kernel gives datagram sockets a number of its own; sequence and random payload tell our answer.
        if kind == reply and answered == sequence and data[_HEADER.size :] == payload:
            return hops


_HOP_KINDS = frozenset({socket.IP_TTL, _IPV6_HOPLIMIT})


async def _readable(made: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(made, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(made)


PROBER = Prober("icmp", IcmpModule, probe_icmp, icmp_target)
