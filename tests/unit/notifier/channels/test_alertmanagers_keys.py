"""A file with every key that Alertmanager documents for the kinds that we have is read unchanged."""

import re
from pathlib import Path

import pytest
import yaml

from services.common.config import ConfigError
from services.common.testing.clock import ManualClock
from services.notifier.channels import CHANNELS
from services.notifier.config import NotifierConfig
from services.notifier.receivers import build_generation

HTTP = """
        http_config:
          authorization: {type: Bearer, credentials: s3cret}
          tls_config: {insecure_skip_verify: true, min_version: TLS12}
          proxy_url: http://proxy:3128
          no_proxy: example.org
          follow_redirects: false
          enable_http2: false
          http_headers: {X-Team: {values: [ops], secrets: [s3cret]}}
"""
FILE = f"""
global:
  smtp_smarthost: mail:587
  smtp_from: t@example.com
  smtp_hello: tocsin
  smtp_auth_username: u
  smtp_auth_password: s3cret
  smtp_require_tls: true
  smtp_force_implicit_tls: false
  slack_api_url: https://hooks.slack.com/services/T/B/s3cretpart
  pagerduty_url: https://events.eu.pagerduty.com/v2/enqueue
  opsgenie_api_url: https://api.eu.opsgenie.com/
  opsgenie_api_key: s3cret
  telegram_api_url: https://api.telegram.org
  telegram_bot_token: 1:s3cret
  victorops_api_key: unused-s3cret
route: {{receiver: all}}
receivers:
  - name: all
    email_configs:
      - {{to: a@example.com, send_resolved: false, auth_identity: i, auth_secret: s3cret, html: x, text: y,
         headers: {{Subject: z}}, require_tls: false, force_implicit_tls: false,
         threading: {{enabled: true, thread_by_date: daily}}}}
    slack_configs:
      - send_resolved: true
        channel: '#ops'
        username: u
        color: danger
        title: t
        title_link: http://l
        pretext: p
        text: x
        message_text: m
        fields: [{{title: a, value: b, short: true}}]
        short_fields: true
        footer: f
        fallback: f
        callback_id: c
        icon_emoji: ':x:'
        icon_url: http://i
        image_url: http://i
        thumb_url: http://i
        link_names: true
        mrkdwn_in: [text]
        actions: [{{type: button, text: x, url: http://u}}]
        timeout: 5s{HTTP}
      - {{app_token: s3cret, app_url: 'https://slack.com/api/chat.postMessage', channel: C1, update_message: true,
         post_updates_to_thread: true}}
    pagerduty_configs:
      - {{routing_key: s3cret, client: c, client_url: u, description: d, severity: error, details: {{a: b}}, source: s,
         images: [{{src: s, alt: a, href: h}}], links: [{{href: h, text: t}}], class: c, component: c, group: g,
         timeout: 5s}}
      - {{service_key: s3cret, url: 'https://events.pagerduty.com/generic/2010-04-15/create_event.json'}}
    opsgenie_configs:
      - {{message: m, description: d, source: s, details: {{a: b}}, entity: e, actions: a, tags: t, note: n,
         priority: P1, update_alerts: true,
         responders: [{{name: n, type: team}}, {{id: i, type: '{{{{ .Status }}}}'}}]}}
    telegram_configs:
      - {{chat_id: -1, message: m, disable_notifications: true, parse_mode: MarkdownV2, message_thread_id: 2}}
    discord_configs:
      - {{webhook_url: 'https://discord.com/api/webhooks/1/s3cretpart', title: t, message: m, content: c, username: u,
         avatar_url: 'http://a'}}
    msteams_configs:
      - {{webhook_url: 'https://x.webhook.office.com/webhookb2/s3cretpart', title: t, summary: s, text: x}}
    msteamsv2_configs:
      - {{webhook_url: 'https://x.logic.azure.com/workflows/y?sig=s3cret', title: t, text: x}}
    sns_configs:
      - {{api_url: 'https://sns.eu-central-1.amazonaws.com', topic_arn: 'arn:aws:sns:eu-central-1:1:x', subject: s,
         message: m, attributes: {{a: b}}, send_resolved: false, http_config: {{follow_redirects: false}},
         sigv4: {{region: eu-central-1, access_key: AKID, secret_key: s3cret, profile: p,
         role_arn: 'arn:aws:iam::1:role/x', external_id: e, use_fips_sts_endpoint: true}}}}
      - {{phone_number: '+4915112345678', sigv4: {{region: eu-central-1, access_key: AKID, secret_key: s3cret}}}}
      - {{target_arn: 'arn:aws:sns:eu-central-1:1:endpoint/x', sigv4: {{region: eu-central-1, access_key: AKID,
         secret_key: s3cret}}}}
    webhook_configs:
      - {{url: 'https://h/s3cretpart', max_alerts: 3, timeout: 5s, payload: {{a: '{{{{ .Status }}}}'}}}}
"""


async def built(path: Path):
    settings = NotifierConfig(config_file=path)
    return await build_generation(settings, base=path.parent, external_url="https://t.example.com", clock=ManualClock())


async def test_every_key_is_read(tmp_path):
    path = tmp_path / "alertmanager.yml"
    path.write_text(FILE, encoding="utf-8")
    generation = await built(path)
    names = [name for _, name in generation.integrations]
    assert names == [
        "discord/0", "email/0", "msteams/0", "msteamsv2/0", "opsgenie/0", "pagerduty/0", "pagerduty/1", "slack/0",
        "slack/1", "sns/0", "sns/1", "sns/2", "telegram/0", "webhook/0",
    ]  # fmt: skip
    text = generation.shown()
    assert "s3cret" not in text
    assert yaml.safe_load(text)["receivers"][0]["slack_configs"][0]["channel"] == "#ops"
    await generation.retire()


async def test_what_is_only_ours_is_not_shown_to_alertmanagers_programs(tmp_path):
    path = tmp_path / "alertmanager.yml"
    config = {
        "global": {"twilio_account_sid": "AC1", "twilio_auth_token": "s3cret", "slack_app_token": "s3cret"},
        "route": {"receiver": "a"},
        "receivers": [{
            "name": "a", "twilio_sms_configs": [{"to": "+4915110", "from": "+15550100"}],
            "slack_configs": [{"channel": "#x", "signing_secret": "s3cret"}],
            "sns_configs": [{"topic_arn": "arn:x", "sigv4": {
                "region": "eu-west-1", "access_key": "AK", "secret_key": "s3cret", "sts_url": "https://sts.internal",
            }}],
        }],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    generation = await built(path)
    shown = yaml.safe_load(generation.shown())
    assert shown["receivers"] == [{
        "name": "a", "slack_configs": [{"channel": "#x"}],
        "sns_configs": [{"topic_arn": "arn:x", "sigv4": {
            "region": "eu-west-1", "access_key": "AK", "secret_key": "<secret>",
        }}],
    }]  # fmt: skip
    assert shown["global"] == {"slack_app_token": "<secret>"}
    await generation.retire()


async def test_keys_for_aws_come_from_the_environment_and_are_missed_with_their_line(tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    path = tmp_path / "alertmanager.yml"
    path.write_text("route: {receiver: a}\nreceivers:\n  - name: a\n    sns_configs:\n      - topic_arn: arn:x\n")
    with pytest.raises(ConfigError, match=r"alertmanager\.yml:5.*no keys for AWS: set sigv4\.access_key"):
        await built(path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AK")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    generation = await built(path)
    assert [name for _, name in generation.integrations] == ["sns/0"]
    await generation.retire()


@pytest.mark.parametrize("kind", ["victorops", "wechat"])
async def test_kinds_that_we_do_not_have_are_refused_by_name(tmp_path, kind):
    path = tmp_path / "alertmanager.yml"
    config = {"route": {"receiver": "a"}, "receivers": [{"name": "a", f"{kind}_configs": [{"x": 1}]}]}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    with pytest.raises(ConfigError, match="no such channel") as caught:
        await built(path)
    assert "alertmanager.yml:" in str(caught.value)


async def test_the_documented_example_is_read(tmp_path):
    page = (Path(__file__).parents[4] / "docs" / "channels.md").read_text(encoding="utf-8")
    example = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    config = {**example, "route": {"receiver": "ops"}}
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    for name in set(re.findall(r"secrets/([a-z-]+)", page)):
        (tmp_path / "secrets" / name).write_text("https://h.example.com/s3cret\n", encoding="utf-8")
    generation = await built(path)
    shipped = {channel.key for channel in CHANNELS}
    assert {name.partition("/")[0] for _, name in generation.integrations} == shipped - {"msteams"}
    for channel in CHANNELS:
        assert f"`{channel.key}_configs`" in page
    await generation.retire()
