import asyncio
from email.message import EmailMessage

import aiosmtplib
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiosmtpd.smtp import SMTP

from demo.world.gateway import gateway_app
from demo.world.inbox import KEPT, Inbox, inbox_app
from demo.world.page import render
from services.common.clock import SystemClock
from services.common.testing.clock import ManualClock


@pytest.fixture
def inbox():
    return Inbox(ManualClock(start=0))


async def test_a_mail_arrives_by_real_smtp_with_both_bodies(inbox):
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(inbox, enable_SMTPUTF8=True), "127.0.0.1", 0)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = "a@x", "b@x", "Größe <1>", "<id@x>"
    mail.set_content("plain")
    mail.add_alternative("<b>html</b>", subtype="html")
    await aiosmtplib.send(mail, hostname="127.0.0.1", port=server.sockets[0].getsockname()[1], start_tls=False)
    server.close()
    (message,) = inbox.messages
    assert (message.channel, message.to, message.subject, message.message_id) == ("email", "b@x", "Größe <1>", "<id@x>")
    assert message.text.strip() == "plain"
    assert message.html.strip() == "<b>html</b>"


async def test_the_page_escapes_what_it_shows(inbox):
    assert "Nothing yet" in render(inbox.messages)
    await inbox.add("email", "a", "<script>alert(1)</script>", "t", '"><script>')
    await inbox.add("webhook", "/hook", "s", "<img>")
    page = render(inbox.messages)
    assert "<script>" not in page
    assert "<img>" not in page
    assert "Inbox (2)" in page


async def test_only_the_newest_messages_are_kept(inbox):
    for number in range(KEPT + 5):
        await inbox.add("email", "a", str(number), "")
    assert len(inbox.messages) == KEPT
    assert inbox.messages[0].subject == str(KEPT + 4)


async def test_the_webhook_and_waiting_for_it(inbox):
    async with TestClient(TestServer(inbox_app(inbox))) as client:
        waiting = asyncio.create_task(client.get("/messages?after=0&wait=20"))
        body = {"status": "firing", "alerts": [{"labels": {"alertname": "B"}}, {"labels": {"alertname": "A"}}]}
        assert (await client.post("/hook", json=body)).status == 200
        (message,) = await (await waiting).json()
        assert message["subject"] == "[FIRING] A, B"
        assert await (await client.get("/messages?after=1&wait=0.01")).json() == []
        assert "[FIRING]" in await (await client.get("/")).text()


class Switch:
    def __init__(self):
        self.broken = set()

    def on(self, name):
        return name in self.broken


async def test_the_gateway_charges_and_fails_when_told():
    switch = Switch()
    async with TestClient(TestServer(gateway_app(switch, SystemClock()))) as client:
        answers = {(await client.post("/charge", json={})).status for _ in range(20)}
        assert answers <= {200, 402}
        assert (await client.get("/status")).status == 200
        assert (await (await client.get("/prices?items=20")).json()) == {"items": 20}
        switch.broken.add("payments")
        assert (await client.get("/status")).status == 503
        for _ in range(40):
            try:
                async with client.post("/charge", json={}, timeout=0.2) as answer:
                    assert answer.status == 503
            except TimeoutError:
                continue
