"""Throttle, remembered identities, addresses, roles, passwords."""

import ipaddress

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from services.api.auth.cache import _SIZE, FRESH, GRACE, IdentityCache
from services.api.auth.client import client_address, same_origin
from services.api.auth.identity import Identity
from services.api.auth.passwords import PasswordChecker, hash_password, needs_rehash
from services.api.auth.throttle import _KEYS, LoginThrottle, ThrottleLimits, client_network
from services.api.roles import ROLES, allows
from services.common.storage import StorageUnavailableError
from services.common.testing.clock import ManualClock

LIMITS = ThrottleLimits(window_seconds=100, per_user_and_client=3, per_client=6, per_user=8)


def test_attempts_of_one_name_from_one_client_are_limited_within_the_window():
    throttle = LoginThrottle(LIMITS)
    assert [throttle.attempt("sam", "1.2.3.4", now) for now in (0, 10, 20)] == [0, 0, 0]
    assert throttle.attempt("sam", "1.2.3.4", 30) == 70
    assert throttle.attempt("sam", "1.2.3.4", 99) == 1
    assert throttle.attempt("sam", "5.6.7.8", 99) == 0
    assert throttle.attempt("zoe", "1.2.3.4", 99) == 0
    assert throttle.attempt("sam", "1.2.3.4", 101) == 0


def test_one_client_with_many_names_and_one_name_from_many_clients_are_limited():
    throttle = LoginThrottle(LIMITS)
    assert [throttle.attempt(f"name{n}", "1.2.3.4", n) > 0 for n in range(7)] == [False] * 6 + [True]
    throttle = LoginThrottle(LIMITS)
    assert [throttle.attempt("sam", f"1.2.3.{n}", n) > 0 for n in range(9)] == [False] * 8 + [True]


def test_a_success_forgives_and_counts_for_nobody():
    throttle = LoginThrottle(LIMITS)
    for now in range(50):
        assert throttle.attempt("sam", "1.2.3.4", now) == 0
        throttle.succeeded("sam", "1.2.3.4")


def test_a_success_does_not_wash_away_the_clients_other_failures():
    throttle = LoginThrottle(LIMITS)
    for n in range(5):
        throttle.attempt(f"name{n}", "1.2.3.4", 0)
    assert throttle.attempt("mine", "1.2.3.4", 1) == 0
    throttle.succeeded("mine", "1.2.3.4")
    assert throttle.attempt("other", "1.2.3.4", 2) == 0
    assert throttle.attempt("more", "1.2.3.4", 3) > 0


def test_a_household_of_ipv6_is_one_client():
    assert client_network("2001:db8::1") == client_network("2001:db8::ffff") == "2001:db8::/64"
    assert client_network("2001:db8:0:1::1") != client_network("2001:db8::1")
    assert (client_network("1.2.3.4"), client_network("unix")) == ("1.2.3.4", "unix")


def test_memory_is_bounded():
    throttle = LoginThrottle(ThrottleLimits(per_client=10**9, per_user=10**9))
    for n in range(_KEYS + 10):
        throttle.attempt(f"name{n}", "1.2.3.4", 0)
    assert len(throttle._failures) == _KEYS


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["1.1.1.1", "2.2.2.2"]), st.floats(0, 30))))
def test_no_window_ever_holds_more_attempts_than_allowed(attempts):
    throttle, now, passed = LoginThrottle(LIMITS), 0.0, []
    for user, client, wait in attempts:
        now += wait
        left = throttle.attempt(user, client, now)
        if left == 0:
            passed.append((user, client, now))
        recent = [p for p in passed if p[2] > now - LIMITS.window_seconds]
        assert sum(p[:2] == (user, client) for p in recent) <= LIMITS.per_user_and_client
        assert sum(p[1] == client for p in recent) <= LIMITS.per_client
        assert 0 <= left <= LIMITS.window_seconds


def _identity(clock, key=b"k", lives=10_000.0):
    return Identity("sam", "viewer", "session", key, clock.now() + lives)


class Store:
    def __init__(self, clock):
        self.clock, self.asked, self.answer, self.away = clock, 0, _identity(clock), False

    async def look_up(self):
        self.asked += 1
        if self.away:
            raise StorageUnavailableError("away")
        return self.answer


async def test_an_identity_is_fresh_for_a_moment_and_a_refusal_is_never_kept():
    clock = ManualClock()
    cache, store = IdentityCache(clock), Store(clock)
    for _ in range(3):
        assert await cache.get(b"k", store.look_up) == store.answer
    assert store.asked == 1
    await clock.advance(FRESH)
    store.answer = None
    assert await cache.get(b"k", store.look_up) is None
    assert await cache.get(b"k", store.look_up) is None
    assert store.asked == 3


async def test_while_postgres_is_away_the_known_stay_for_the_grace_and_no_longer():
    clock = ManualClock()
    cache, store = IdentityCache(clock), Store(clock)
    await cache.get(b"k", store.look_up)
    store.away = True
    await clock.advance(FRESH)
    for _ in range(5):
        assert await cache.get(b"k", store.look_up) == store.answer
    # One time-out for all requests of a moment.
    assert store.asked == 2
    with pytest.raises(StorageUnavailableError):
        await cache.get(b"unknown", store.look_up)
    await clock.advance(GRACE)
    with pytest.raises(StorageUnavailableError):
        await cache.get(b"k", store.look_up)


async def test_an_expired_session_ends_also_while_postgres_is_away():
    clock = ManualClock()
    cache, store = IdentityCache(clock), Store(clock)
    store.answer = _identity(clock, lives=5)
    await cache.get(b"k", store.look_up)
    store.away = True
    await clock.advance(5)
    with pytest.raises(StorageUnavailableError):
        await cache.get(b"k", store.look_up)


async def test_the_cache_is_bounded_and_forgets_on_request():
    clock = ManualClock()
    cache, store = IdentityCache(clock), Store(clock)
    for n in range(_SIZE + 5):
        await cache.get(str(n).encode(), store.look_up)
    assert len(cache._known) == _SIZE
    cache.forget(str(_SIZE).encode())
    assert len(cache._known) == _SIZE - 1
    cache.clear()
    assert not cache._known


class Transport:
    def __init__(self, peer):
        self.peer = peer

    def get_extra_info(self, name, default=None):
        return (self.peer, 1234) if name == "peername" else default


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("9.9.9.9", None, "9.9.9.9"),
        ("9.9.9.9", "1.1.1.1", "9.9.9.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", "nonsense", "nonsense"),
        ("10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"),
    ],
)
def test_only_trusted_proxies_are_believed(peer, forwarded, address):
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = make_mocked_request("GET", "/", headers=headers, transport=Transport(peer))
    assert client_address(request, [ipaddress.ip_network("10.0.0.0/8")]) == address


@pytest.mark.parametrize(
    ("origin", "same"),
    [
        ("http://host:8080", True),
        ("https://host:8080", True),
        ("https://ops.example.com", True),
        ("http://ops.example.com", False),
        ("http://host", False),
        ("http://host:8080.evil.org", False),
        ("ftp://host:8080", False),
        ("null", False),
        ("", False),
    ],
)
def test_origins(origin, same):
    request = make_mocked_request("GET", "/", headers={"Host": "host:8080", "Origin": origin})
    assert same_origin(request, "https://ops.example.com/tocsin") is same


def test_roles_include_those_before_them():
    table = {(held, needed): allows(held, needed) for held in ROLES for needed in ROLES}
    assert [table[pair] for pair in sorted(table)] == [
        True, True, True,  # admin: admin, operator, viewer
        False, True, True,  # operator
        False, False, True,  # viewer
    ]  # fmt: skip


async def test_passwords():
    stored, checker = hash_password("correct horse battery"), PasswordChecker()
    assert await checker.check(stored, "correct horse battery")
    assert not await checker.check(stored, "wrong")
    assert not await checker.check(None, "wrong")
    assert not await checker.check("no hash", "wrong")
    assert not needs_rehash(stored)
    assert stored.startswith("$argon2id$")
