"""AWS' XML answers, its error codes, and how long a message may be."""

import pytest

from services.notifier.channels.http import refused
from services.notifier.channels.kit.aws import AwsError, endpoint, parse
from services.notifier.channels.sns import SnsConfig, fitted

ERROR = (
    '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>{}</Code>'
    "<Message>Invalid &lt;thing&gt;</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
)


def error(status: int, text: str, **headers: str) -> AwsError:
    return AwsError(refused(status, text, headers, 0.0))


@pytest.mark.parametrize(
    ("status", "code", "reason", "permanent"),
    [
        (400, "Throttling", "rate_limited", False), (400, "ThrottledException", "rate_limited", False),
        (503, "Throttled", "rate_limited", False),
        (403, "AuthFailure", "authentication_failed", False), (403, "ExpiredToken", "authentication_failed", False),
        (400, "InvalidClientTokenId", "authentication_failed", False),
        (400, "IncompleteSignature", "authentication_failed", False),
        (403, "SignatureDoesNotMatch", "authentication_failed", False),
        (403, "AuthorizationError", "authentication_failed", False),
        (400, "RequestExpired", "authentication_failed", False),
        (500, "InternalError", "server_error", False), (400, "RequestTimeout", "server_error", False),
        (400, "InvalidParameter", "refused", True), (400, "InvalidParameterValue", "refused", True),
        (404, "NotFound", "refused", True), (400, "EndpointDisabled", "refused", True),
        (400, "SomethingNew", "refused", True), (503, "SomethingNew", "server_error", False),
    ],
)  # fmt: skip
def test_codes(status, code, reason, permanent):
    found = error(status, ERROR.format(code), **{"Retry-After": "7"})
    assert (found.code, found.reason, found.permanent) == (code, reason, permanent)
    assert found.detail == f"HTTP {status} {code}: Invalid <thing>"
    if permanent:
        assert found.retry_after is None


def test_an_answer_without_a_code_is_told_by_its_status():
    found = error(429, "slow down", **{"Retry-After": "7"})
    assert (found.code, found.reason, found.retry_after, found.detail) == (
        "",
        "rate_limited",
        7.0,
        "HTTP 429: slow down",
    )


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x><Code>&b;</Code></x>'


@pytest.mark.parametrize(
    "text", ["", "plain", "{}", "<a><b>1</b>", BOMB, "<x>" + "y" * 300_000 + "</x>", "<x>&unknown;</x>"]
)
def test_what_is_not_awss_xml_tells_nothing(text):
    assert parse(text) == {}


def test_the_first_of_each_name_counts():
    assert parse("<n:R><n:Id> 1 </n:Id><Id>2</Id><E/><T>a&amp;b</T></n:R>") == {"Id": "1", "T": "a&b"}


def test_endpoints():
    assert endpoint("sns", "eu-central-1") == "https://sns.eu-central-1.amazonaws.com/"
    assert endpoint("sts", "cn-north-1") == "https://sts.cn-north-1.amazonaws.com.cn/"


def test_a_text_is_cut_to_what_is_taken():
    assert fitted("ä" * 1600, {"a": "b"}, sms=True) == ("ä" * 1600, {"a": "b"})
    assert fitted("ä" * 1601, {"a": "b"}, sms=True) == ("ä" * 1600, {"a": "b", "truncated": "true"})
    assert fitted("x" * 262_144, {}, sms=False) == ("x" * 262_144, {})
    text, attributes = fitted("x" * 262_145, {}, sms=False)
    assert attributes == {"truncated": "true"}
    assert len(text) + len("truncatedStringtrue") == 262_144
    # Attributes count, and no character is cut in two.
    text, attributes = fitted("ä" * 131_072, {"a": "b"}, sms=False)
    assert set(text) == {"ä"}
    assert 262_142 <= len(text.encode()) + len("aStringbtruncatedStringtrue") <= 262_144
    assert fitted("xy", {"a": "b" * 300_000}, sms=False)[0] == ""


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "exactly one of topic_arn, phone_number, target_arn"),
        ({"topic_arn": "a", "phone_number": "b"}, "exactly one"),
        ({"topic_arn": "a", "api_url": "sns.internal"}, "api_url must begin with"),
    ],
)
def test_a_receivers_mistakes(config, said):
    with pytest.raises(ValueError, match=said):
        SnsConfig.model_validate(config)
    assert SnsConfig.model_validate({"topic_arn": "a", "api_url": "{{ .x }}"}).target == "topic_arn"
