from pathlib import Path

import pytest
import yaml

from demo.faults import FAULTS, NAMES, UnknownFaultError, find

RULES = Path(__file__).parents[3] / "rules"


def test_every_fault_names_an_alert_that_the_rules_have():
    alerts = {
        rule.get("alert")
        for file in RULES.glob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    }
    assert {fault.alert for fault in FAULTS} <= alerts


def test_the_faults_that_the_command_offers():
    assert set(NAMES) == {
        "celery", "payments", "api-slow", "api-errors", "db-connections", "db-lock", "redis-memory", "websocket",
    }  # fmt: skip


def test_an_unknown_name_shows_the_list():
    assert find("celery").alert == "CeleryDown"
    with pytest.raises(UnknownFaultError, match=r"no fault is called 'disk'; there are: celery, payments"):
        find("disk")
