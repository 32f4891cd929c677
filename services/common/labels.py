"""Label sets and their fingerprint."""

from collections.abc import Mapping
from functools import lru_cache

_FNV_OFFSET = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_MASK = 0xFFFFFFFFFFFFFFFF

METRIC_NAME = "__name__"
ALERT_NAME = "alertname"


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return the label set's fingerprint: 16 hexadecimal digits.

    FNV-1a, 64 bit, over name, 0xFF, value, 0xFF of the labels in the order of their names, as Prometheus'
    `model.LabelSet.Fingerprint` does, so that ids agree with Alertmanager's.
    """
    digest = _FNV_OFFSET
    for name in sorted(labels):
        digest = _hashed(digest, name, labels[name])
    return f"{digest:016x}"


@lru_cache(maxsize=4096)
def _hashed(digest: int, name: str, value: str) -> int:
    # The alerts of a storm begin with the same labels, so most of this loop, which is Python's, is done once for all.
    for byte in b"%b\xff%b\xff" % (name.encode(), value.encode()):
        digest = ((digest ^ byte) * _FNV_PRIME) & _MASK
    return digest
