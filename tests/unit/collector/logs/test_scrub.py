"""Secrets out of examples."""

from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.sources.logs.scrub import is_secret_key, scrub_secrets

SECRET = "s3cr3tW0rd"


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}",
        f"DB_PASSWORD: {SECRET}",
        f"connect(user='u', passwd='{SECRET}')",
        f'{{"api_key": "{SECRET}", "n": 1}}',
        f'{{"client-secret":"{SECRET}"}}',
        f"x-api-key => {SECRET}",
        f"Authorization: Bearer {SECRET}{SECRET}",
        f"authorization: Basic {SECRET}==",
        f"Cookie: {SECRET}",
        f"postgresql://user:{SECRET}@db/shop",
        f"ALTER ROLE a PASSWORD '{SECRET}'",
        f"refresh_token='{SECRET}'",
        f"session_id={SECRET}; path=/",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET} cut off",
        f"token eyJhbGciOiJI.{SECRET}.x",
        f"key sk_live_{SECRET}",
        f"ghp_{SECRET}{SECRET}{SECRET}",
    ],
)
def test_secrets_go(text: str) -> None:
    found = scrub_secrets(f"before {text}\nafter")
    assert SECRET not in found
    assert "[hidden]" in found
    assert found.startswith("before")


def test_card_numbers_go_and_other_long_numbers_stay() -> None:
    assert scrub_secrets("card 4111 1111 1111 1111 declined") == "card [hidden] declined"
    assert scrub_secrets("order 4111111111111112 at 1760000000000") == "order 4111111111111112 at 1760000000000"


@pytest.mark.parametrize(
    "text",
    [
        "the password is wrong",
        "invalid token",
        "no secret here",
        "postgresql://db/shop",
        "https://shop.example/a?b=c",
        'File "/srv/tokens.py", line 3, in read',
    ],
)
def test_other_text_stays(text: str) -> None:
    assert scrub_secrets(text) == text


@pytest.mark.parametrize(
    "key", ["password", "DB_PASSWORD", "api_key", "apiKey", "x-auth-token", "Authorization", "dsn"]
)
def test_fields_whose_name_says_secret(key: str) -> None:
    assert is_secret_key(key)
    assert not is_secret_key("order")


@given(st.text(max_size=2000))
def test_scrubbing_never_fails_and_twice_is_as_once(text: str) -> None:
    once = scrub_secrets(text)
    assert scrub_secrets(once) == once


@pytest.mark.parametrize("unit", ["a.", "a", "token", "token=", "'", '"', "-", "4 ", "eyJ", "x://", "Bearer "])
def test_no_text_holds_it_for_long(unit: str) -> None:
    started = thread_time()
    scrub_secrets((unit * 10_000)[:10_000])
    assert thread_time() - started < 1
