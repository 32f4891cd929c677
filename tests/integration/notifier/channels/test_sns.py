"""Amazon SNS: requests to the letter, signatures as AWS checks them, roles. Sources: SNS and STS API references."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.common.config import ConfigError
from services.notifier.channels.base import DeliveryError
from services.notifier.channels.sns import SnsChannel, SnsConfig
from services.notifier.grouping import Cause
from tests.integration.notifier.channels.catalog import OTHER, SECRET, STS_ANSWER, TOKEN
from tests.integration.notifier.channels.conftest import GROUP_KEY, told
from tests.integration.notifier.channels.standin import Seen

pytestmark = pytest.mark.integration
OWN = {"region": "eu-central-1", "access_key": "AKIDEXAMPLE", "secret_key": SECRET}
TOPIC = "arn:aws:sns:eu-central-1:1:ops"
MESSAGE = {"subject": "s", "message": "m"}
EXPIRED = (
    "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The token is expired</Message></Error></ErrorResponse>"
)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def check_signature(seen: Seen, access: str, secret: str, service: str) -> None:
    """Check the request as it came, header by header."""
    kind, _, rest = seen.headers["authorization"].partition(" ")
    given = dict(part.split("=", 1) for part in rest.split(", "))
    user, day, region, named, end = given["Credential"].split("/")
    assert (kind, user, region, named, end) == ("AWS4-HMAC-SHA256", access, "eu-central-1", service, "aws4_request")
    names = given["SignedHeaders"].split(";")
    assert {"host", "x-amz-date", "content-type"} <= set(names)
    assert "x-amz-security-token" in names or "x-amz-security-token" not in seen.headers
    lines = [seen.method, seen.path, "", *(f"{name}:{seen.headers[name]}" for name in names), "", ";".join(names)]
    canonical = "\n".join([*lines, hashlib.sha256(seen.body).hexdigest()])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", seen.headers["x-amz-date"], scope, digest(canonical)])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    assert given["Signature"] == hmac.digest(key, text.encode(), "sha256").hex()


async def test_a_topic(standin, build, around):
    sns = build(
        "sns", sigv4=OWN, subject="{{ .Status }}:\n{{ .CommonLabels.alertname }}" + "!" * 200,
        message="{{ .Status }} & ä",
        attributes={
            "severity": "{{ .CommonLabels.severity }}", "none": "{{ .GroupLabels.none }}", "{{ .Status }}": "yes",
        },
    )  # fmt: skip
    assert await sns.send(told()) == "m-1"
    assert sns.recipients == (TOPIC,)
    seen = standin.last
    assert (seen.method, seen.path) == ("POST", "/")
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    now = datetime.fromtimestamp(around.clock.now(), UTC)
    assert seen.headers["x-amz-date"] == now.strftime("%Y%m%dT%H%M%SZ")
    check_signature(seen, "AKIDEXAMPLE", SECRET, "sns")
    subject = ("firing: CeleryQueueBacklog" + "!" * 200)[:99]
    assert seen.form == [
        ("Action", "Publish"), ("Version", "2010-03-31"), ("TopicArn", TOPIC), ("Subject", subject),
        ("Message", "firing & ä"),
        ("MessageAttributes.entry.1.Name", "severity"), ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", "critical"),
        ("MessageAttributes.entry.2.Name", "firing"), ("MessageAttributes.entry.2.Value.DataType", "String"),
        ("MessageAttributes.entry.2.Value.StringValue", "yes"),
    ]  # fmt: skip


async def test_the_usual_texts(standin, build):
    await build("sns", sigv4=OWN).send(told())
    form = dict(standin.last.form)
    assert form["Subject"] == "[CRITICAL] High Celery Queue Backlog"
    assert "45 tasks pending" in form["Message"]
    assert "Do: Scale up Celery workers" in form["Message"]


async def test_a_fifo_topic_orders_a_group_and_takes_each_message_once(standin, build):
    sns = build("sns", sigv4=OWN, topic_arn="{{ .GroupLabels.alertname }}.fifo", **MESSAGE)
    forms = []
    for message in (told(), told(), told("resolved", Cause.RESOLVED, "d2")):
        await sns.send(message)
        forms.append(dict(standin.last.form))
    assert [form["MessageDeduplicationId"] for form in forms] == [digest("d1"), digest("d1"), digest("d2")]
    assert {form["MessageGroupId"] for form in forms} == {digest(GROUP_KEY)}
    assert forms[0]["TopicArn"] == "CeleryQueueBacklog.fifo"


async def test_a_phone_and_an_apps_endpoint(standin, build):
    await build("sns", sigv4=OWN, topic_arn=None, phone_number="+4915110", subject="", message="y" * 2000).send(told())
    assert standin.last.form == [
        ("Action", "Publish"), ("Version", "2010-03-31"), ("PhoneNumber", "+4915110"), ("Message", "y" * 1600),
        ("MessageAttributes.entry.1.Name", "truncated"), ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", "true"),
    ]  # fmt: skip
    await build("sns", sigv4=OWN, topic_arn=None, target_arn="arn:x.fifo", **MESSAGE).send(told())
    assert standin.last.form == [
        ("Action", "Publish"), ("Version", "2010-03-31"), ("TargetArn", "arn:x.fifo"), ("Subject", "s"),
        ("Message", "m"),
    ]  # fmt: skip


async def test_a_role_is_asked_for_once_until_it_ends(standin, build, around):
    role = {**OWN, "role_arn": "arn:aws:iam::1:role/x", "external_id": "e-1", "sts_url": f"{standin.url}/token"}
    sns = build("sns", sigv4=role, **MESSAGE)
    ends = datetime.fromtimestamp(around.clock.now() + 900, UTC).isoformat()
    ok = standin.usual
    answer = STS_ANSWER.replace("2100-01-01T00:15:00Z", ends)
    standin.usual = lambda seen: (200, {}, answer) if seen.path == "/token" else ok(seen)
    await sns.send(told())
    await sns.send(told())
    assume, *published = standin.seen
    assert assume.form == [
        ("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", "arn:aws:iam::1:role/x"),
        ("RoleSessionName", "tocsin"), ("DurationSeconds", "900"), ("ExternalId", "e-1"),
    ]  # fmt: skip
    check_signature(assume, "AKIDEXAMPLE", SECRET, "sts")
    assert len(published) == 2
    for seen in published:
        check_signature(seen, "ASIAROLE", OTHER, "sns")
        assert seen.headers["x-amz-security-token"] == TOKEN
    await around.clock.advance(839)
    await sns.send(told())
    assert len(standin.seen) == 4
    await around.clock.advance(1)
    await sns.send(told())
    assert [seen.path for seen in standin.seen[4:]] == ["/token", "/"]


async def test_a_role_that_was_taken_back_is_asked_for_once_more(standin, build):
    sns = build("sns", **MESSAGE)
    await sns.send(told())
    standin.answers = [(403, {}, EXPIRED)]
    assert await sns.send(told()) == "m-1"
    assert [seen.path for seen in standin.seen] == ["/token", "/", "/", "/token", "/"]
    ok = standin.usual
    standin.usual = lambda seen: ok(seen) if seen.path == "/token" else (403, {}, EXPIRED)
    with pytest.raises(DeliveryError) as caught:
        await sns.send(told())
    assert (caught.value.reason, caught.value.permanent) == ("authentication_failed", False)
    assert caught.value.detail == "HTTP 403 ExpiredToken: The token is expired"
    assert [seen.path for seen in standin.seen[5:]] == ["/", "/token", "/"]


@pytest.mark.parametrize("answer", ["<html>hello</html>", "", STS_ANSWER.replace("2100-01-01T00:15:00Z", "soon")])
async def test_answers_that_are_none(standin, build, answer):
    sns = build("sns", **MESSAGE)
    standin.usual = lambda seen: (200, {}, answer)
    with pytest.raises(DeliveryError) as caught:
        await sns.send(told())
    assert (caught.value.reason, caught.value.permanent) == ("server_error", False)
    assert OTHER not in caught.value.detail
    with pytest.raises(DeliveryError, match="without MessageId"):
        await build_own(build, standin, answer).send(told())


def build_own(build, standin, answer):
    sns = build("sns", sigv4=OWN, **MESSAGE)
    standin.usual = lambda _seen: (200, {}, answer)
    return sns


async def test_an_address_or_a_target_that_comes_out_wrong(standin, build):
    for change, reason in (
        ({"api_url": "ftp://{{ .Status }}"}, "invalid_url"),
        ({"topic_arn": "{{ .GroupLabels.none }}"}, "template_failed"),
    ):
        with pytest.raises(DeliveryError) as caught:
            await build("sns", **{"sigv4": OWN, **MESSAGE, **change}).send(told())
        assert (caught.value.reason, caught.value.permanent) == (reason, True)
    assert not standin.seen


async def test_a_profiles_keys_that_change_or_go_while_we_run(standin, build, around, tmp_path):
    file = tmp_path / "credentials"
    environ = {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_REGION": "eu-central-1", "HOME": str(tmp_path)}
    text = f"[ops]\naws_access_key_id=AK1\naws_secret_access_key={OTHER}\naws_session_token={TOKEN}\n"
    file.write_text(text, encoding="utf-8")
    sns = build("sns", replace(around, environ=environ), sigv4={"profile": "ops"}, **MESSAGE)
    await sns.send(told())
    check_signature(standin.last, "AK1", OTHER, "sns")
    file.write_text(text.replace("AK1", "AK2").replace(TOKEN, "n3w-token"), encoding="utf-8")
    standin.usual = lambda seen: (400, {}, seen.echo())
    with pytest.raises(DeliveryError) as caught:
        await sns.send(told())
    check_signature(standin.last, "AK2", OTHER, "sns")
    assert standin.last.headers["x-amz-security-token"] == "n3w-token"
    assert "n3w-token" not in f"{caught.value} {caught.value.detail}"
    file.unlink()
    with pytest.raises(DeliveryError) as caught:
        await sns.send(told())
    assert (caught.value.reason, caught.value.permanent) == ("authentication_failed", False)


def test_what_is_missing_is_said_at_the_start(around, tmp_path):
    place = replace(around, environ={"HOME": str(tmp_path)})
    for sigv4, said in (({}, r"no region; set sigv4\.region"), ({"region": "eu-west-1"}, "no keys for AWS")):
        with pytest.raises(ConfigError, match=said):
            SnsChannel().build(SnsConfig.model_validate({"topic_arn": TOPIC, "sigv4": sigv4}), place)
    for broken in ({"attributes": {"a": "{{ .x"}}, {"attributes": {"{{ .x": "a"}}, {"subject": "{{ .x"}):
        config = SnsConfig.model_validate({"topic_arn": TOPIC, "sigv4": OWN, **broken})
        with pytest.raises(ConfigError, match=r"\.x|subject|attributes"):
            SnsChannel().build(config, place)


async def test_without_api_url_the_regions_own_address_is_used(around):
    config = SnsConfig.model_validate({"topic_arn": TOPIC, "sigv4": OWN})
    sns = SnsChannel().build(config, around)
    assert sns._url(sns._text(told())) == "https://sns.eu-central-1.amazonaws.com/"
