"""Files of routing tests: what passes, what is told when one fails, and what can't be used."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from services.notifier.rehearsal.run import as_junit, as_text, run_files

ROOT = Path(__file__).parents[4]
CONFIG = """
global: {smtp_smarthost: "mail:25", smtp_from: t@example.com, smtp_auth_password_file: missing}
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 30m
  routes:
    - {matchers: [team = "night"], receiver: ops, mute_time_intervals: [nights]}
    - {matchers: [team = "hook"], receiver: hook}
receivers:
  - {name: ops, contact_configs: [{contact: anna}]}
  - name: hook
    webhook_configs: [{url_file: missing}]
    escalation_configs: [{policy: p}]
inhibit_rules:
  - {source_matchers: [alertname = "Down"], target_matchers: [alertname = "Slow"], equal: [host]}
time_intervals:
  - {name: nights, time_intervals: [{times: [{start_time: "22:00", end_time: "24:00"}]}]}
contacts:
  - name: anna
    email: a@example.com
    channels: [{email: {}}]
    quiet_hours: {time_zone: Europe/Berlin, from: "22:00", to: "07:00"}
  - {name: bert, email: b@example.com, channels: [{email: {}}]}
escalation_policies:
  - {name: p, steps: [{notify: {contact: anna}, wait: 5m}, {notify: {contact: bert}}]}
"""
WARNING = "labels: {alertname: A, severity: warning}"
NIGHT = "start: '2026-03-02T23:00:00+01:00'"
NOON = "start: '2026-03-02T12:00:00+01:00'"


def run(tmp_path: Path, *tests: str):
    (tmp_path / "alertmanager.yml").write_text(CONFIG, encoding="utf-8")
    path = tmp_path / "routes.yml"
    body = "\n".join(f"  - {{name: t{number}, {test}}}" for number, test in enumerate(tests))
    path.write_text(f"config: alertmanager.yml\ntests:\n{body}\n", encoding="utf-8")
    return run_files([path])


@pytest.mark.parametrize(
    "test",
    [
        (f"{NOON}, alerts: [{{{WARNING}}}], duration: 40m, expect: [{{at: 10s, contact: anna, channel: email,"
        " to: a@example.com, alerts: [A], status: firing, cause: new}, {at: 30m10s, contact: anna, cause: repeat}]"),
        (f"{NIGHT}, alerts: [{{{WARNING}, for: 30m}}], duration: 10h, expect: [{{at: 8h, contact: anna, cause: digest,"
        " status: resolved}], expect_decisions: [{at: 10s, reason: quiet_hours, contact: anna,"
        " detail: 'until 07:00 Europe/Berlin'}]"),
        (f"{NIGHT}, alerts: [{{labels: {{alertname: A, severity: critical}}}}], duration: 1m,"
        " expect: [{at: 10s, contact: anna}]"),
        (f"{NOON}, alerts: [{{{WARNING}}}], silences: [{{matchers: ['alertname=\"A\"'], for: 10m}}], duration: 15m,"
        " expect: [{at: 10m10s, contact: anna}], expect_decisions: [{at: 10s, reason: silenced, alerts: [A]}]"),
        (f"{NOON}, alerts: [{{labels: {{alertname: Down, host: x}}}}, {{labels: {{alertname: Slow, host: x}}}}],"
        " duration: 5m, expect: [{at: 10s, alerts: [Down]}], expect_decisions: [{at: 10s, reason: inhibited}]"),
        (f"{NOON}, alerts: [{{labels: {{alertname: Down}}}}, {{labels: {{alertname: B}}, depends_on: [Down]}}],"
        " duration: 5m, expect: [{at: 10s, alerts: [Down]}], expect_decisions: [{at: 10s, reason: dependency}]"),
        ("start: '2026-03-02T23:00:00Z', alerts: [{labels: {alertname: A, team: night, severity: critical}}],"
        " duration: 80m, expect: [{at: 1h10s, contact: anna}], expect_decisions: [{at: 10s,"
        " reason: mute_time_interval, detail: nights}]"),
        (f"{NOON}, alerts: [{{labels: {{alertname: A, team: hook}}}}], duration: 20m, expect: [{{at: 10s,"
        " channel: webhook}, {at: 10s, contact: anna}, {at: 5m10s, contact: bert, cause: escalated}]"),
        (f"{NOON}, alerts: [{{labels: {{alertname: A, team: hook}}}}], duration: 25m, expect: [{{at: 10s,"
        " channel: webhook}, {at: 10s, contact: anna}, {at: 12m10s, contact: anna, cause: reminder},"
        " {at: 12m10s, channel: webhook}, {at: 17m10s, contact: bert}],"
        " actions: [{acknowledge: A, at: 2m10s, by: anna, expires_in: 10m}]"),
        (f"{NOON}, alerts: [{{labels: {{alertname: A, team: hook}}}}], duration: 7m, expect: [{{at: 10s,"
        " channel: webhook}, {at: 10s, contact: anna}, {at: 3m, contact: anna}],"
        " actions: [{acknowledge: A, at: 2m}, {unacknowledge: A, at: 3m}]"),
        f"{NOON}, alerts: [{{{WARNING}}}]",
    ],
)  # fmt: skip
def test_what_is_as_expected_passes(tmp_path, test):
    outcomes = run(tmp_path, test)
    assert as_text(outcomes).splitlines()[1:] == ["  SUCCESS"]


def test_what_is_not_is_told_with_its_line(tmp_path):
    outcomes = run(
        tmp_path,
        f"{NOON}, alerts: [{{{WARNING}}}], duration: 1m, expect: [{{at: 11m, contact: bert}}]",
        f"{NOON}, alerts: [{{{WARNING}}}], duration: 1m, expect: [{{at: 10s}}]",
        f"{NIGHT}, alerts: [{{{WARNING}}}], duration: 1m, expect: [], expect_decisions: [{{at: 30s,"
        " reason: quiet_hours}]",
    )
    path = tmp_path / "routes.yml"
    assert as_text(outcomes).splitlines() == [
        f"Unit Testing:  {path}",
        "  FAILED:",
        f"    {path}:3: t0",
        "      missing: at 11m: contact bert",
        "      unexpected: at 10s: contact anna by email to a@example.com (new): A firing",
        f"    {path}:5: t2",
        "      missing decision: at 30s: reason quiet_hours",
        "        recorded is: at 10s: held: quiet hours of anna until 07:00 Europe/Berlin (A)",
    ]
    root = ET.fromstring(as_junit(outcomes))  # noqa: S314 - our own text
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "2", "0")
    assert [case.get("name") for case in suite if case.find("failure") is not None] == ["t0", "t2"]


@pytest.mark.parametrize(
    ("test", "problem"),
    [
        ("start: '2026-03-02T12:00:00', alerts: [{labels: {alertname: A}}]", "has no zone"),
        (f"{NOON}, alerts: [{{labels: {{severity: info}}}}]", "needs the label alertname"),
        (f"{NOON}, alerts: [{{{WARNING}}}], actions: [{{at: 1m}}]", "give acknowledge or unacknowledge"),
        (f"{NOON}, alerts: [{{{WARNING}}}], expect_decisions: [{{at: 1m, reason: mood}}]", "reason"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, test, problem):
    (outcome,) = run(tmp_path, test)
    assert outcome.error.startswith(f"{tmp_path}/routes.yml:3:")
    assert problem in outcome.error
    assert b"<error" in as_junit([outcome])
    assert "  FAILED:" in as_text([outcome])


def test_the_command_and_the_samples_own_tests(tmp_path):
    sample = ROOT / "deploy" / "config" / "tests" / "routes.yml"
    assert as_text(run_files([sample])).splitlines()[1:] == ["  SUCCESS"]
    junit = tmp_path / "junit.xml"
    bad = tmp_path / "bad.yml"
    bad.write_text("config: none.yml\ntests: []\n", encoding="utf-8")

    def command(*arguments: object) -> int:
        return subprocess.run(
            [sys.executable, "-m", "services", "routes", "test", *map(str, arguments)],
            cwd=ROOT, check=False, capture_output=True,
        ).returncode  # fmt: skip

    assert command(sample, "--junit", junit) == 0
    assert junit.read_bytes().startswith(b"<?xml")
    assert command(bad) == 2
    run(tmp_path, f"{NOON}, alerts: [{{{WARNING}}}], expect: []")
    assert command(tmp_path / "routes.yml") == 1
