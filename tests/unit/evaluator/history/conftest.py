from collections import Counter

import pytest


@pytest.fixture
def dropped():
    """What was given up, by reason; call `dropped.hear`."""

    class Dropped(Counter):
        def hear(self, reason, count):
            self[reason] += count

    return Dropped()
