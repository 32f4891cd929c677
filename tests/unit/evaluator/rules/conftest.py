"""Groups over a real head and engine; the test appends samples and moves time."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock
from services.evaluator.head import Head, Layout
from services.evaluator.promql import Engine, VectorResult
from services.evaluator.rules.loader import RuleDefaults
from services.evaluator.rules.manager import RuleManager
from services.evaluator.rules.settings import RuleSettings
from services.evaluator.telemetry import RuleTelemetry


@dataclass
class World:
    home: object
    now: float = 1_700_000_000.0
    settings: RuleSettings = field(default_factory=lambda: RuleSettings(started_at=0.0, external_url="http://t"))
    head: Head = field(default_factory=lambda: Head(retention_s=7200))
    engine: Engine = field(default_factory=Engine)
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self):
        self.layouts = {}
        self.telemetry = Telemetry("evaluator")
        self.manager = RuleManager(
            ["*.yml"], base=self.home, defaults=RuleDefaults(interval=10.0), settings=self.settings, engine=self.engine,
            head=self.head, clock=self.clock, telemetry=RuleTelemetry(self.telemetry),
        )  # fmt: skip

    def rules(self, text, name="r.yml"):
        (self.home / name).write_text(text)
        self.clock.jump(self.now - self.clock.now())
        return self.manager.reload()

    def rule(self, **keys):
        import json

        return self.rules(json.dumps({"groups": [{"name": "g", "rules": [keys]}]}))

    @property
    def runner(self):
        return next(iter(self.manager.runners.values()))

    def put(self, **series):
        """Append series named by keyword, one label x: put(m={"a": 1})."""
        labels = [{"__name__": name, "x": x} for name, values in series.items() for x in values]
        key = str(labels)
        layout = self.layouts.setdefault(key, Layout(tuple(labels)))
        values = [float(value) for one in series.values() for value in one.values()]
        self.head.target("t").append(round(self.now * 1000), layout, np.array(values))

    def round(self, seconds=10.0, **series):
        self.now += seconds
        if series:
            self.put(**{name: {k: v for k, v in one.items() if v is not None} for name, one in series.items()})
        return self.runner.evaluate(self.now, lambda: 0.0)

    def values(self, query):
        result = self.engine.instant(query, self.head, round(self.now * 1000)).value
        assert isinstance(result, VectorResult)
        return {one.get("x", ""): value for one, value in zip(result.labels, result.values.tolist(), strict=True)}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)
