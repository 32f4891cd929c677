"""Bodies compressed by brotli."""

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.probes.brotli import unpack
from services.collector.reasons import Reason, ScrapeError


def packed(body: bytes) -> bytes:
    return bytes(cramjam.brotli.compress(body))


@given(st.binary(max_size=2000), st.integers(min_value=1, max_value=400))
def test_what_was_packed_comes_back(body: bytes, times: int) -> None:
    whole = body * times
    assert unpack(packed(whole), len(whole) + 1) == whole


def test_a_long_body_of_few_bytes() -> None:
    body = b"a" * 3_000_000
    assert len(packed(body)) < 100
    assert unpack(packed(body), 3_000_000) == body
    with pytest.raises(ScrapeError, match="longer than 2999999 bytes") as caught:
        unpack(packed(body), 2_999_999)
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("body", [b"no brotli at all", packed(b"all is well" * 100)[:-4]])
def test_what_is_no_brotli(body: bytes) -> None:
    with pytest.raises(ScrapeError, match="not compressed by brotli, or is cut short") as caught:
        unpack(body, 1000)
    assert caught.value.reason is Reason.BODY


def test_nothing_at_all() -> None:
    assert unpack(b"", 10) == b""
