"""The registry of probers: one file and one line each."""

from services.collector.probes import dns, http, icmp, tcp, tls, websocket
from services.collector.probes.base import Prober

PROBERS: tuple[Prober, ...] = (http.PROBER, websocket.PROBER, tcp.PROBER, tls.PROBER, dns.PROBER, icmp.PROBER)

__all__ = ["PROBERS", "Prober"]
