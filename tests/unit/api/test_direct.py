"""Alerts read from the evaluator while the stream is away."""

from services.api.alerts.direct import SECONDS, ActiveAnswer, DirectAlerts, firing_events, rule_refs
from services.api.alerts.view import AlertView
from services.api.evaluator import EvaluatorError
from services.api.overview.evaluated import RuleGroups
from services.common.events import AlertStatus
from services.common.testing.clock import ManualClock
from tests.unit.api import scenario
from tests.unit.api.scenario import NOW

GROUPS = RuleGroups.model_validate(
    {
        "groups": [
            {
                "name": "celery", "file": "rules/celery.yml",
                "rules": [
                    {"name": "Backlog", "type": "alerting", "query": "q > 20", "duration": 120},
                    {"name": "Backlog", "type": "alerting", "query": "q > 90"},
                    {"name": "tocsin:q", "type": "recording", "query": "q"},
                ],
            }
        ]
    }
)  # fmt: skip


def active(name="Backlog", *, state="firing", fingerprint="00000000000000aa", starts_at=NOW - 60, **own):
    return {
        "labels": {"alertname": name, "severity": "warning"}, "annotations": {"summary": "Many"}, "state": state,
        "activeAt": "2027-01-15T08:00:00Z", "value": "4.7e+01",
        "tocsin": {"fingerprint": fingerprint, "starts_at": starts_at, "value": 47.0, "muted": "", **own},
    }  # fmt: skip


def answer(*alerts):
    return ActiveAnswer.model_validate({"alerts": alerts})


def test_what_fires_is_told_as_on_the_stream():
    told = answer(
        active(muted="cooldown", muted_until=NOW + 5), active("Other", fingerprint="00000000000000bb"),
        active("Soon", state="pending", starts_at=None), {**active("Foreign"), "tocsin": None},
    )  # fmt: skip
    first, other = firing_events(told, rule_refs(GROUPS), NOW)
    assert first.alert_id == f"00000000000000aa-{round((NOW - 60) * 1000)}"
    assert (first.status, first.value, first.muted, first.sent_at) == (AlertStatus.FIRING, 47.0, "cooldown", NOW)
    assert (first.rule.file, first.rule.expr, first.rule.for_seconds) == ("rules/celery.yml", "q > 20", 120)
    assert first.active_at == 1_800_000_000
    assert (other.rule.name, other.rule.file) == ("Other", "")


def test_without_rules_there_are_no_names():
    assert rule_refs(None) == {}


class Bench:
    def __init__(self):
        self.clock, self.view = ManualClock(NOW), AlertView()
        self.stream_away, self.loaded = True, False
        self.told = answer()
        self.asked = 0
        self.direct = DirectAlerts(self, self.view, self, scenario.told_overview(self.view), self.clock)

    async def active(self, _model):
        self.asked += 1
        if isinstance(self.told, Exception):
            raise self.told
        return self.told

    async def rounds(self, told):
        import asyncio

        self.told = told
        task = asyncio.create_task(self.direct.round())
        await self.clock.advance(SECONDS)
        await task
        return [alert.name for alert in self.view.firing()]


async def test_while_the_stream_is_read_nobody_is_asked():
    bench = Bench()
    bench.stream_away = False
    assert await bench.rounds(answer(active())) == []
    assert (bench.asked, bench.loaded) == (0, False)


async def test_alerts_come_and_go():
    bench = Bench()
    assert await bench.rounds(answer(active())) == ["Backlog"]
    assert bench.loaded
    two = answer(active(), active("Other", fingerprint="00000000000000bb"))
    assert sorted(await bench.rounds(two)) == ["Backlog", "Other"]
    assert await bench.rounds(answer(active("Other", fingerprint="00000000000000bb"))) == ["Other"]
    assert bench.view.get(firing_events(answer(active()), {}, NOW)[0].alert_id).ends_at == bench.clock.now()


async def test_what_an_evaluator_that_was_away_no_longer_tells_has_not_ended():
    bench = Bench()
    await bench.rounds(answer(active()))
    assert await bench.rounds(EvaluatorError("unreachable", "gone")) == ["Backlog"]
    assert await bench.rounds(answer()) == ["Backlog"]


async def test_what_the_stream_told_before_is_not_ended_by_an_answer_without_it():
    bench = Bench()
    bench.view.apply_event(scenario.celery_down())
    assert await bench.rounds(answer()) == ["CeleryDown"]


async def test_when_the_stream_is_back_its_newer_events_count():
    bench = Bench()
    await bench.rounds(answer(active()))
    bench.stream_away = False
    event = firing_events(answer(active()), {}, bench.clock.now() + 1)[0]
    bench.view.apply_event(scenario.resolved(event, after=70))
    assert await bench.rounds(answer(active())) == []
