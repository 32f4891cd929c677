import asyncio
import socket
import ssl

import pytest

from services.collector.pages import scrape_limit
from services.collector.reasons import Reason, ScrapeError, reason_of
from services.collector.scrape import ScrapeMetrics, Target
from services.collector.sheet import Sheet
from services.common.clock import SystemClock
from services.common.config import ConfigError
from services.common.telemetry import Telemetry


class FakeSource:
    def __init__(self, error: Exception | None = None, *, stubborn: bool = False) -> None:
        self.error, self.stubborn = error, stubborn
        self.gate: asyncio.Event | None = None
        self.calls = 0

    async def collect(self, sheet: Sheet, limit: float) -> None:
        self.calls += 1
        sheet.gauge("early", "", 1)
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                if not self.stubborn:
                    raise
                await self.gate.wait()
        if self.error is not None:
            raise self.error
        sheet.gauge("fake_up", "", 1)

    def down(self, sheet: Sheet, reason: str) -> None:
        sheet.gauge("fake_up", "", 0)


def target(source: FakeSource) -> tuple[Target, Telemetry]:
    telemetry = Telemetry("collector")
    return Target("fake", "t", "address", source, SystemClock(), ScrapeMetrics(telemetry)), telemetry


async def test_success() -> None:
    one, _ = target(FakeSource())
    sheet = await one.scrape(1)
    assert sheet.value("fake_up") == 1
    assert sheet.value("tocsin_target_up", kind="fake") == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ScrapeError(Reason.AUTH, "no"), "auth"),
        (ConnectionRefusedError(), "refused"),
        (RuntimeError("anything"), "error"),
    ],
)
async def test_failure_keeps_what_was_found_and_says_why(error: Exception, reason: str) -> None:
    one, telemetry = target(FakeSource(error))
    sheet = await one.scrape(1)
    assert sheet.value("early") == 1
    assert sheet.value("fake_up") == 0
    assert sheet.value("tocsin_target_up", kind="fake") == 0
    assert sheet.value("tocsin_target_error", kind="fake", reason=reason) == 1
    labels = {"kind": "fake", "reason": reason}
    assert telemetry.registry.get_sample_value("tocsin_collector_scrape_failures_total", labels) == 1


async def test_a_hung_source_is_cancelled_and_its_findings_kept() -> None:
    source = FakeSource()
    source.gate = asyncio.Event()
    one, _ = target(source)
    async with asyncio.timeout(60):
        sheet = await one.scrape(0.3)
    assert sheet.value("early") == 1
    assert sheet.value("tocsin_target_error", kind="fake", reason="timeout") == 1


async def test_a_client_that_can_not_be_cancelled_holds_nobody_and_is_not_asked_twice() -> None:
    source = FakeSource(stubborn=True)
    source.gate = asyncio.Event()
    one, _ = target(source)
    for _ in range(3):
        async with asyncio.timeout(60):
            sheet = await one.scrape(0.2)
        assert sheet.value("fake_up") == 0
    assert source.calls == 1
    source.gate.set()
    await one.scrape(1)
    assert (await one.scrape(1)).value("fake_up") == 1


async def test_callers_at_the_same_time_share_one_scrape() -> None:
    source = FakeSource()
    source.gate = asyncio.Event()
    one, _ = target(source)
    callers = [asyncio.create_task(one.scrape(5)) for _ in range(5)]
    await asyncio.sleep(0)
    short = await one.scrape(0.05)
    assert short.value("tocsin_target_error", kind="fake", reason="timeout") == 1
    source.gate.set()
    sheets = await asyncio.gather(*callers)
    assert source.calls == 1
    assert all(sheet.value("fake_up") == 1 for sheet in sheets)


async def test_only_changes_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    source = FakeSource(ScrapeError(Reason.REFUSED, "no"))
    one, _ = target(source)
    for _ in range(3):
        await one.scrape(1)
    source.error = None
    for _ in range(3):
        await one.scrape(1)
    text = capsys.readouterr().out
    assert text.count("target_down") == 1
    assert text.count("target_up") == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), Reason.TIMEOUT),
        (ssl.SSLCertVerificationError(), Reason.TLS),
        (socket.gaierror(), Reason.DNS),
        (ConnectionResetError(), Reason.CLOSED),
        (PermissionError(), Reason.PERMISSION),
        (ConfigError("no file"), Reason.CONFIG),
        (KeyError(), Reason.ERROR),
    ],
)
def test_reasons(error: Exception, reason: Reason) -> None:
    assert reason_of(error) is reason
    wrapped = RuntimeError("outer")
    wrapped.__cause__ = error
    assert reason_of(wrapped) is reason


def test_a_circle_of_causes_ends() -> None:
    error = RuntimeError()
    error.__context__ = other = RuntimeError()
    other.__context__ = error
    assert reason_of(error) is Reason.ERROR


@pytest.mark.parametrize(
    ("header", "limit"),
    [
        (None, 9.5), ("", 9.5),
        ("3", 2.5), ("3.5", 3.0), ("1", 0.5), ("0.6", 0.3), ("0.01", 0.05), ("-1", 9.5), ("0", 9.5),
        ("nan", 9.5), ("inf", 9.5), ("soon", 9.5),
    ],
)  # fmt: skip
def test_the_scraper_gets_its_answer_half_a_second_early(header: str | None, limit: float) -> None:
    assert scrape_limit(header, 10.0) == pytest.approx(limit)
