"""Signature Version 4 against the examples that AWS published (IAM User Guide; "AWS SigV4 test suite")."""

import pytest

from services.notifier.channels.kit.sigv4 import Keys, sign

AT = 1_440_938_160.0  # 2015-08-30T12:36:00Z
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUu"
    "wthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHN"
    "VXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA"
    "=="
)
HOST = "https://example.amazonaws.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CASES = {
    "get-vanilla": ("GET", "/", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "post-vanilla": ("POST", "/", {}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "get-vanilla-query-order-key-case": (
        "GET", "/?Param2=value2&Param1=value1", {}, b"",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "post-header-value-case": (
        "POST", "/", {"My-Header1": "VALUE1"}, b"", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"
    ),
    "get-header-value-trim": (
        "GET", "/", {"My-Header1": " value1", "My-Header2": ' "a   b   c"'}, b"",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "post-x-www-form-urlencoded": (
        "POST", "/", FORM, b"Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
    ),
}  # fmt: skip


def signed(method: str, url: str, headers: dict[str, str], body: bytes, *, service: str = "service", token: str = ""):
    keys = Keys("AKIDEXAMPLE", SECRET, token)
    return sign(method, url, headers, body, keys=keys, region="us-east-1", service=service, at=AT)


@pytest.mark.parametrize(("method", "path", "headers", "body", "signature"), CASES.values(), ids=CASES)
def test_the_published_suite(method, path, headers, body, signature):
    found = signed(method, HOST + path, headers, body)
    assert found["Authorization"].endswith(f", Signature={signature}")
    assert found["X-Amz-Date"] == "20150830T123600Z"


def test_the_guides_example_to_the_letter():
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    found = signed("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", headers, b"", service="iam")
    assert found == {
        **headers, "X-Amz-Date": "20150830T123600Z",
        "Authorization":
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    }  # fmt: skip


def test_a_token_is_sent_and_signed():
    found = signed("POST", f"{HOST}/", {}, b"", token=TOKEN)
    assert found["X-Amz-Security-Token"] == TOKEN
    assert found["Authorization"].endswith(
        "SignedHeaders=host;x-amz-date;x-amz-security-token, "
        "Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
    )


def test_what_is_signed_counts():
    first = signed("POST", f"{HOST}/", FORM, b"a=1")["Authorization"]
    for other in (
        signed("POST", f"{HOST}/", FORM, b"a=2"),
        signed("POST", f"{HOST}:8443/", FORM, b"a=1"),
        signed("POST", f"{HOST}/x", FORM, b"a=1"),
        signed("POST", f"{HOST}/?x=y", FORM, b"a=1"),
    ):
        assert other["Authorization"] != first
    # The usual port and an empty path are the same address.
    assert signed("POST", f"{HOST.upper().replace('HTTPS', 'https')}:443", FORM, b"a=1")["Authorization"] == first


def test_keys_are_not_shown():
    keys = Keys("AKIDEXAMPLE", "s3cret", "t0ken")
    assert "s3cret" not in repr(keys)
    assert "t0ken" not in repr(keys)
    assert keys.hidden == ("s3cret", "t0ken")
    assert Keys("AKIDEXAMPLE", "s3cret").hidden == ("s3cret",)
