"""One DNS query and what its answer must be; blackbox_exporter's dns prober."""

from typing import Annotated, Literal

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from pydantic import AfterValidator, Field, model_validator

from services.collector.probes.base import DialModule, Prober, Run
from services.collector.probes.client_config import TlsConfig
from services.collector.probes.handshake import Handshake, make_tls, write_tls
from services.collector.probes.regex import Pattern, matches
from services.collector.probes.stream import split_target
from services.collector.reasons import Reason, ScrapeError
from services.common.config import StrictModel

_PORT, _TLS_PORT = 53, 853
_DURATION = "Duration of DNS request by phase"


def _check_type(text: str) -> str:
    try:
        dns.rdatatype.from_text(text)
    except dns.exception.DNSException as error:
        raise ValueError(f"{text!r} is not a type of records; write it like A, AAAA or MX") from error
    return text


def _check_class(text: str) -> str:
    try:
        dns.rdataclass.from_text(text)
    except dns.exception.DNSException as error:
        raise ValueError(f"{text!r} is not a class of records; write it like IN or CH") from error
    return text


def _check_rcode(text: str) -> str:
    try:
        dns.rcode.from_text(text)
    except dns.exception.DNSException as error:
        raise ValueError(f"{text!r} is not a response code; write it like NOERROR or NXDOMAIN") from error
    return text


class RecordRules(StrictModel):
    """What the records of one section must be like, each as the text `name<tab>ttl<tab>class<tab>type<tab>data`."""

    fail_if_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_all_match_regexp: tuple[Pattern, ...] = ()
    fail_if_not_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_none_matches_regexp: tuple[Pattern, ...] = ()

    def problem(self, records: list[str]) -> str:
        """Return what is wrong with the records, "" for nothing.

        A pattern that must match fails an empty section; `fail_if_all_match_regexp` does not fail one.
        """
        for record in records:
            if any(matches(pattern, record) for pattern in self.fail_if_matches_regexp):
                return f"{record!r} matches"
            if not all(matches(pattern, record) for pattern in self.fail_if_not_matches_regexp):
                return f"{record!r} does not match"
        if not records and (self.fail_if_not_matches_regexp or self.fail_if_none_matches_regexp):
            return "there are no records"
        every = self.fail_if_all_match_regexp
        if every and records and all(matches(pattern, record) for record in records for pattern in every):
            return "all records match"
        some = self.fail_if_none_matches_regexp
        if some and not any(matches(pattern, record) for record in records for pattern in some):
            return "no record matches"
        return ""


class DnsModule(DialModule):
    """How to check: blackbox_exporter's keys of the dns prober."""

    query_name: str = Field(min_length=1)
    query_type: Annotated[str, AfterValidator(_check_type)] = "ANY"
    query_class: Annotated[str, AfterValidator(_check_class)] = "IN"
    recursion_desired: bool = True
    transport_protocol: Literal["udp", "tcp"] = "udp"
    dns_over_tls: bool = False
    tls_config: TlsConfig = TlsConfig()
    valid_rcodes: tuple[Annotated[str, AfterValidator(_check_rcode)], ...] = ("NOERROR",)
    validate_answer_rrs: RecordRules = RecordRules()
    validate_authority_rrs: RecordRules = RecordRules()
    validate_additional_rrs: RecordRules = RecordRules()

    @model_validator(mode="after")
    def _tls_over_tcp(self) -> "DnsModule":
        if self.dns_over_tls and self.transport_protocol != "tcp":
            raise ValueError("dns_over_tls needs transport_protocol: tcp")
        return self


def dns_target(text: str) -> str:
    """Return a name server's address, with or without port; raises ValueError."""
    split_target(text, _PORT)
    return text


async def probe_dns(run: Run, target: str, module: DnsModule) -> Reason | None:
    """Ask a name server; return why the answer is not right; raises OSError or ScrapeError."""
    host, port = split_target(target, _TLS_PORT if module.dns_over_tls else _PORT)
    phases = dict.fromkeys(("resolve", "connect", "request"), 0.0)
    tls = make_tls(run.clock, module.tls_config, run.tools.base) if module.dns_over_tls else None
    try:
        address = await run.look_up(host, module.preferred_ip_protocol, fallback=module.ip_protocol_fallback)
        phases["resolve"] = run.dns or 0.0
        answer = await _exchange(run, address, host, port, module, tls, phases)
    except dns.exception.Timeout as error:
        raise ScrapeError(Reason.TIMEOUT, "the name server does not answer") from error
    except EOFError as error:
        raise ScrapeError(Reason.CLOSED, "the name server closed the connection") from error
    except dns.exception.DNSException as error:
        raise ScrapeError(Reason.PROTOCOL, f"the answer can't be read: {error}") from error
    finally:
        for phase, seconds in phases.items():
            run.sheet.gauge("probe_dns_duration_seconds", _DURATION, seconds, phase=phase)
        _count(run, None)
        if tls is not None:
            write_tls(run.sheet, tls)
    _count(run, answer)
    return _judge(run, module, answer)


async def _exchange(
    run: Run, address: str, host: str, port: int, module: DnsModule, tls: Handshake | None, phases: dict[str, float]
) -> dns.message.Message:
    query = dns.message.make_query(
        module.query_name, module.query_type, module.query_class, flags=dns.flags.RD if module.recursion_desired else 0
    )
    source, begin = module.source_ip_address, run.clock.monotonic()
    try:
        if tls is not None:
            tls.make_current()
            name = module.tls_config.server_name or run.hostname or host
            return await dns.asyncquery.tls(
                query, address, run.limit, port, source, ssl_context=tls.context, server_hostname=name
            )
        if module.transport_protocol == "tcp":
            return await dns.asyncquery.tcp(query, address, run.limit, port, source)
        # Answers from elsewhere are passed over, so that nobody else's packet makes the probe succeed or fail.
        return await dns.asyncquery.udp(query, address, run.limit, port, source, ignore_unexpected=True)
    finally:
        took = run.clock.monotonic() - begin
        if tls is not None and tls.started is not None:
            phases["connect"] = tls.started - begin
        phases["request"] = took - phases["connect"]


def _records(section: list[dns.rrset.RRset]) -> list[str]:
    return [
        "\t".join(
            (
                rrset.name.to_text(), str(rrset.ttl), dns.rdataclass.to_text(rrset.rdclass),
                dns.rdatatype.to_text(rrset.rdtype), record.to_text(),
            )
        )
        for rrset in section
        for record in rrset
    ]  # fmt: skip


def _count(run: Run, answer: dns.message.Message | None) -> None:
    for word in ("answer", "authority", "additional"):
        name = f"probe_dns_{word}_rrs"
        run.sheet.families.pop(name, None)
        count = 0 if answer is None else len(_records(getattr(answer, word)))
        run.sheet.gauge(name, f"Returns number of entries in the {word} resource record list", count)
    succeeded = "Displays whether or not the query was executed successfully"
    run.sheet.families.pop("probe_dns_query_succeeded", None)
    run.sheet.gauge("probe_dns_query_succeeded", succeeded, answer is not None)


def _judge(run: Run, module: DnsModule, answer: dns.message.Message) -> Reason | None:
    for rrset in answer.answer:
        if module.query_type == "SOA" and rrset.rdtype == dns.rdatatype.SOA:
            run.sheet.gauge("probe_dns_serial", "Returns the serial number of the zone", rrset[0].serial)
    code = dns.rcode.to_text(answer.rcode())
    run.note(f"the answer is {code}")
    if code not in module.valid_rcodes:
        return Reason.STATUS
    for word in ("answer", "authority", "additional"):
        rules: RecordRules = getattr(module, f"validate_{word}_rrs")
        if problem := rules.problem(_records(getattr(answer, word))):
            run.note(f"{word} records: {problem}")
            return Reason.BODY
    return None


PROBER = Prober("dns", DnsModule, probe_dns, dns_target)
