from services.notifier.watchdog import Watchdog


def test_silence_counts_only_after_the_grace():
    dog = Watchdog(interval=5, grace=30, started_at=100)
    assert not dog.is_down(129)
    assert dog.is_down(130)


def test_three_intervals_of_silence():
    dog = Watchdog(interval=5, grace=0, started_at=0)
    dog.hear(100)
    assert not dog.is_down(115)
    assert dog.is_down(115.1)
    dog.hear(116)
    assert not dog.is_down(117)


def test_since_when_it_is_heard_without_a_gap():
    dog = Watchdog(interval=5, grace=0, started_at=0)
    assert dog.alive_since(50) is None
    dog.hear(100)
    dog.hear(110)
    assert dog.alive_since(112) == 100
    assert dog.alive_since(126) is None
    dog.hear(130)
    assert dog.alive_since(131) == 130
