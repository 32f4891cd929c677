"""Label sets and their fingerprint."""

from collections.abc import Mapping

_FNV_OFFSET = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_MASK = 0xFFFFFFFFFFFFFFFF
_SEPARATOR = b"\xff"

METRIC_NAME = "__name__"
ALERT_NAME = "alertname"


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return the label set's fingerprint: 16 hexadecimal digits.

    FNV-1a, 64 bit, over name, 0xFF, value, 0xFF of the labels in the order of their names, as Prometheus'
    `model.LabelSet.Fingerprint` does, so that ids agree with Alertmanager's.
    """
    digest = _FNV_OFFSET
    # One run over joined bytes: this is done for each alert of a storm.
    parts = [part.encode() for name in sorted(labels) for part in (name, labels[name])]
    for byte in _SEPARATOR.join(parts) + _SEPARATOR if parts else b"":
        digest = ((digest ^ byte) * _FNV_PRIME) & _MASK
    return f"{digest:016x}"
