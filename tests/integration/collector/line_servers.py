"""Servers that speak lines, DNS, or nothing sensible."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def talking(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)


def smtp(context: ssl.SSLContext | None) -> Talk:
    """Speaks as far as STARTTLS."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP ready\r\n")
        while line := await reader.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"EHLO":
                writer.write(b"250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
            elif word == b"STARTTLS" and context is not None:
                writer.write(b"220 go on\r\n")
                await writer.drain()
                await writer.start_tls(context)
            else:
                writer.write(b"221 bye\r\n" if word == b"QUIT" else b"502 what?\r\n")

    return talk


def postgres(context: ssl.SSLContext | None) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"N" if context is None else b"S")
        await writer.drain()
        if context is not None:
            await writer.start_tls(context)
        await reader.read()

    return talk


class NameServer(asyncio.DatagramProtocol):
    """Answers by a table, late if told so; counts what it was asked."""

    def __init__(self, records: dict[tuple[str, str], list[str]], delay: float = 0.0) -> None:
        self.records, self.delay = records, delay
        self.asked = 0
        self.port = 0
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # asyncio's own annotation is wider
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.asked += 1
        answer = self.answer(data)
        loop = asyncio.get_running_loop()
        loop.call_later(self.delay, lambda: self._transport.is_closing() or self._transport.sendto(answer, address))

    def answer(self, data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        texts = self.records.get((name, kind))
        if texts is None:
            answer.set_rcode(
                dns.rcode.NOERROR if any(known == name for known, _ in self.records) else dns.rcode.NXDOMAIN
            )
        else:
            answer.answer.append(dns.rrset.from_text(name, 300, "IN", kind, *texts))
        return answer.to_wire()


@asynccontextmanager
async def name_server(records: dict[tuple[str, str], list[str]], delay: float = 0.0) -> AsyncIterator[NameServer]:
    server = NameServer(records, delay)

    async def over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        body = server.answer(await reader.readexactly(size))
        writer.write(len(body).to_bytes(2, "big") + body)
        await writer.drain()
        writer.close()

    loop = asyncio.get_running_loop()
    while True:
        # Both protocols on one number: another program may have one of them.
        stream = await asyncio.start_server(over_tcp, "127.0.0.1", 0)
        server.port = stream.sockets[0].getsockname()[1]
        try:
            transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", server.port))
            break
        except OSError:
            stream.close()
    try:
        yield server
    finally:
        stream.close()
        transport.close()
