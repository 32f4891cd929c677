"""The configuration: what Alertmanager takes is taken, and each bad file (one mistake each) is named with its line."""

from pathlib import Path

import pytest
import yaml

from services.common.config import ConfigError
from services.common.testing.clock import ManualClock
from services.notifier.alertmanager import load
from services.notifier.channels import CHANNELS
from services.notifier.config import NotifierConfig
from services.notifier.receivers import Generation, build_generation
from services.notifier.shown import shown

BAD = sorted((Path(__file__).parent / "bad").glob("*.yml"))


async def built(path: Path, **settings) -> Generation:
    config = NotifierConfig.model_validate({"config_file": str(path), **settings})
    return await build_generation(config, base=path.parent, external_url="http://t", clock=ManualClock())


@pytest.mark.parametrize("path", BAD, ids=[path.stem for path in BAD])
async def test_a_mistake_is_named_with_its_place(path):
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    with pytest.raises(ConfigError) as caught:
        await built(path)
    assert str(caught.value).startswith(f"{path}:{expected}"), str(caught.value)


GOOD = """
global:
  resolve_timeout: 5m
  smtp_smarthost: mail.example.com:587
  smtp_from: Tocsin <tocsin@example.com>
  smtp_auth_username: tocsin
  smtp_auth_password_file: password
  http_config: {follow_redirects: false, enable_http2: true}
templates: [templates/*.tmpl, nothing-*.tmpl]
route:
  receiver: ops
  group_by: ['...']
  group_wait: 10s
  routes:
    - match: {team: db}
      match_re: {severity: critical|warning}
      matchers: ['env="prod"']
      continue: true
      receiver: db
receivers:
  - name: ops
    email_configs:
      - to: Ops <ops@example.com>, sre@example.com
        headers: {subject: '{{ template "mine" . }}'}
  - name: db
    webhook_configs:
      - url_file: url
        max_alerts: 3
        http_config: {authorization: {credentials_file: password}}
inhibit_rules: []
time_intervals:
"""


async def test_an_alertmanagers_file_is_taken(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "own.tmpl").write_text('{{ define "mine" }}X{{ end }}', encoding="utf-8")
    (tmp_path / "password").write_text("geheim\n", encoding="utf-8")
    (tmp_path / "url").write_text("http://example.com/secret-part\n", encoding="utf-8")
    path = tmp_path / "alertmanager.yml"
    path.write_text(GOOD, encoding="utf-8")
    generation = await built(path)
    (db,) = generation.tree.routes
    assert generation.tree.group_by_all
    assert db.key == '{}/{env="prod",severity=~"critical|warning",team="db"}'
    assert db.timing.wait == 10
    assert generation.receivers["ops"][0].recipients == ("ops@example.com", "sre@example.com")
    assert generation.receivers["db"][0].recipients == ("http://example.com",)
    assert "geheim" not in generation.shown()
    assert "secret-part" not in generation.shown()
    await generation.retire()
    assert generation.closed


async def test_a_template_file_with_a_mistake_is_named(tmp_path):
    (tmp_path / "own.tmpl").write_text("x\n{{ define }}", encoding="utf-8")
    path = tmp_path / "a.yml"
    path.write_text("templates: [own.tmpl]\nroute: {receiver: a}\nreceivers: [{name: a}]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"own\.tmpl:2:"):
        await built(path)
    (tmp_path / "own.tmpl").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="can't be read"):
        await built(path)


async def test_templates_by_an_absolute_path(tmp_path):
    (tmp_path / "own.tmpl").write_text('{{ define "email.default.subject" }}Y{{ end }}', encoding="utf-8")
    path = tmp_path / "a.yml"
    path.write_text(f"templates: ['{tmp_path}/*.tmpl']\nroute: {{receiver: a}}\nreceivers: [{{name: a}}]\n")
    assert await built(path)


async def test_a_generation_in_use_is_closed_when_its_last_user_is_done(tmp_path):
    path = tmp_path / "a.yml"
    path.write_text("route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'http://x'}]}]\n")
    generation = await built(path)
    generation.users = 1
    await generation.retire()
    assert not generation.closed
    generation.users = 0
    await generation.done()
    assert generation.closed


def test_the_main_section_has_one_source_of_routes():
    with pytest.raises(ValueError, match="either config or config_file"):
        NotifierConfig.model_validate({"config": {}, "config_file": "x"})
    with pytest.raises(ValueError, match="not a time zone"):
        NotifierConfig(time_zone="Mars/Olympus")
    assert NotifierConfig(time_zone="Europe/Berlin").retry_for == 14_400


def test_the_registry_and_the_folder_agree():
    folder = Path(__file__).parents[3] / "services" / "notifier" / "channels"
    helpers = {"__init__", "base", "http", "smtp"}  # `kit` holds what several channels share
    files = {path.stem for path in folder.glob("*.py")} - helpers
    assert files == {channel.key for channel in CHANNELS}


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="can't be read"):
        load(tmp_path / "none.yml")


WRITTEN = """\
route:
  receiver: team
  group_wait: 0
  routes: [{match: {on: yes, version: 1.50, day: 2020-01-01, octal: 0o17, none: ~}}]
receivers:
  - name: team
    webhook_configs:
      - {url: 'http://127.0.0.1:1/', send_resolved: no, max_alerts: 5, payload: {n: 1.50, on: yes, at: [7]}}
time_intervals:
  - name: 1.0
    time_intervals: [{years: [2026], days_of_month: [1], times: [{start_time: 09:00, end_time: 17:30}]}]
"""


def test_scalars_are_the_texts_that_are_written(tmp_path):
    path = tmp_path / "alertmanager.yml"
    path.write_text(WRITTEN)
    config, source = load(path)
    assert {matcher.name: matcher.value for matcher in config.route.routes[0].match} == {
        "on": "yes", "version": "1.50", "day": "2020-01-01", "octal": "0o17", "none": "",
    }  # fmt: skip
    (hook,) = config.receivers[0].webhook_configs
    assert (hook.send_resolved, hook.max_alerts, config.route.group_wait) == (False, 5, 0.0)
    assert hook.payload == {"n": 1.5, "on": True, "at": [7]}
    assert config.time_intervals[0].name == "1.0"
    again = yaml.safe_load(shown(config, source.data))
    assert again["receivers"][0]["webhook_configs"][0]["send_resolved"] is False
    text = shown(config, source.data)
    for line in (
        "version: 1.50",
        "day: 2020-01-01",
        "'on': yes",
        "send_resolved: no",
        "name: 1.0",
        "start_time: 09:00",
    ):
        assert line in text
