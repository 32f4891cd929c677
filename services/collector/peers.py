"""What dashboards ask of the exporters that the collector stands for: that they are there, and their reloads."""

import platform
import sys

from prometheus_client import Gauge

from services import __version__
from services.common.telemetry import Telemetry

_HELP = "A metric with a constant '1' value labeled by what the collector was built from."


class Peers:
    """blackbox_exporter's own metrics."""

    def __init__(self, telemetry: Telemetry) -> None:
        labels = {
            "version": __version__, "revision": "", "branch": "", "goversion": f"python{platform.python_version()}",
            "goos": sys.platform, "goarch": platform.machine(), "tags": "",
        }  # fmt: skip
        # The other sources write their peers' build info beside their own samples.
        gauge = Gauge("blackbox_exporter_build_info", _HELP, list(labels), registry=telemetry.registry)
        gauge.labels(**labels).set(1)
        self._success = Gauge(
            "blackbox_exporter_config_last_reload_successful",
            "Blackbox exporter config loaded successfully.",
            registry=telemetry.registry,
        )
        self._at = Gauge(
            "blackbox_exporter_config_last_reload_success_timestamp_seconds",
            "Timestamp of the last successful configuration reload.",
            registry=telemetry.registry,
        )

    def reloaded(self, *, at: float | None) -> None:
        """Tell when the newest configuration was taken into force, None when it was refused."""
        self._success.set(at is not None)
        if at is not None:
            self._at.set(at)
