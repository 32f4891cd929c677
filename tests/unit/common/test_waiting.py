"""What the tests wait with."""

import time

import pytest

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import in_time, until


def test_what_takes_too_long_fails():
    with pytest.raises(AssertionError, match=r"took 0\.\d+ s"), in_time(0.1):
        time.sleep(0.4)


def test_what_the_machine_takes_is_left_out(monkeypatch):
    # A look comes after a second where it was due after a fiftieth of one: nobody ran meanwhile.
    times = iter([0.0, 0.0, 1.0, 1.1])
    monkeypatch.setattr(
        "tests.fixtures.waiting.time", type("Clock", (), {"monotonic": staticmethod(lambda: next(times))})
    )
    looks = iter([False, True])
    monkeypatch.setattr("tests.fixtures.waiting.threading", _one_look(looks))
    with in_time(0.5):
        pass


def _one_look(looks):
    class Event:
        def wait(self, _seconds):
            return next(looks)

        def set(self):
            pass

    class Thread:
        def __init__(self, target):
            self.target = target

        def start(self):
            pass

        def join(self):
            self.target()

    return type("Threading", (), {"Event": Event, "Thread": Thread})


async def test_a_condition_that_never_comes_is_named():
    def pigs_fly():
        return False

    with pytest.raises(AssertionError, match="pigs_fly did not come true"):
        await until(pigs_fly, seconds=0.05)


def test_each_port_is_another():
    assert len({free_port() for _ in range(50)}) == 50
