import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.http_answer import Answer

PAGE = b"a 1\nb 2\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\na 1\r\n5;x=y\r\n\nb 2\n\r\n0\r\nTrailer: x\r\n\r\n"
KINDS = {
    "length": OK + b"Content-Length: 8\r\n\r\n" + PAGE,
    "chunked": CHUNKED,
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"content-length:8\r\n\r\n" + PAGE,
    "gzip": OK
    + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(PAGE))
    + gzip.compress(PAGE),
}


def read(data, *, sizes=(), limit=1000, closed=False):
    answer, place = Answer(limit), 0
    for size in sizes:
        if place < len(data):
            answer.feed(data[place : place + size])
            place += size
    if place < len(data):
        answer.feed(data[place:])
    if closed:
        answer.end()
    return answer


@pytest.mark.parametrize("kind", KINDS)
@given(sizes=st.lists(st.integers(1, 40), max_size=30))
def test_however_it_is_cut(kind, sizes):
    answer = read(KINDS[kind], sizes=sizes)
    assert answer.complete
    assert (answer.status, answer.reason, answer.body, answer.keep_alive) == (200, "OK", PAGE, True)
    assert answer.headers["content-type"] == "text/plain"


def test_the_end_of_the_connection_may_be_the_end_of_the_answer():
    answer = read(OK + b"\r\n" + PAGE)
    assert not answer.complete
    answer.end()
    assert (answer.complete, answer.body, answer.keep_alive) == (True, PAGE, False)


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close", False),
        (b"HTTP/1.0 200 OK", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive", True),
    ],
)
def test_whether_the_connection_stays(head, kept):
    assert read(head + b"\r\nContent-Length: 0\r\n\r\n").keep_alive is kept


def test_what_follows_an_answer_makes_the_connection_unfit():
    assert not read(KINDS["length"] + b"HTTP/1.1 200").keep_alive
    assert not read(CHUNKED + b"x").keep_alive
    assert read(b"HTTP/1.1 204 No Content\r\n\r\n").complete


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not an HTTP/1.1 answer"),
        (b"HTTP/1.1 abc\r\n\r\n", "not an HTTP/1.1 answer"),
        (b"x" * 70_000, "headers are too large"),
        (OK + b"Content-Length: -5\r\n\r\n", "is no number"),
        (OK + b"Transfer-Encoding: gzip\r\n\r\n", "unknown Transfer-Encoding"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n", "is no chunk size"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\n", "is no chunk size"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 2000, "has no size"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", "longer than its size"),
        (OK + b"Content-Length: 8\r\n\r\nhalf", "closed before"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "closed before"),
        (OK, "closed before"),
    ],
)
def test_what_is_not_an_answer(data, words):
    with pytest.raises(ScrapeError, match=words) as caught:
        read(data, closed=True)
    assert caught.value.reason == "unreachable"


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 1001\r\n\r\n",
        OK + b"\r\n" + b"x" * 1001,
        OK + b"Transfer-Encoding: chunked\r\n\r\n1000\r\n" + b"x" * 1001,
        OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 100_000),
    ],
)
def test_too_large_as_it_comes_and_decompressed(data):
    with pytest.raises(ScrapeError, match=r"body_size_limit \(1000 bytes\)"):
        _ = read(data, closed=True).body


@pytest.mark.parametrize(
    ("coding", "body", "words"),
    [
        (b"gzip", b"plain text", "is not gzip"),
        (b"gzip", gzip.compress(PAGE, mtime=0)[:-3], "cut off"),
        (b"br", PAGE, "compressed by br"),
    ],
)
def test_a_body_that_can_not_be_decompressed(coding, body, words):
    with pytest.raises(ScrapeError, match=words):
        _ = read(OK + b"Content-Encoding: " + coding + b"\r\n\r\n" + body, closed=True).body
