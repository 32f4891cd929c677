"""The `api:` section of the configuration."""

from typing import Annotated

from pydantic import AfterValidator, Field, IPvAnyNetwork

from services.api.auth.throttle import ThrottleLimits
from services.api.errors.tls import CollectorTls
from services.api.oidc.config import OidcConfig
from services.api.overview.panels import COMPONENTS
from services.api.quality.settings import QualitySettings
from services.api.rate import RateLimits
from services.api.tls import TlsConfig
from services.common.config import Listen, StrictModel
from services.common.durations import Duration

_SHOWN = tuple(component.key for component in COMPONENTS if component.card)


def _check_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is not an address; write it like http://127.0.0.1:9701")
    return url.rstrip("/")


def _check_components(keys: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := [key for key in keys if key not in _SHOWN]:
        raise ValueError(f"{', '.join(unknown)}: no such component; choose of {', '.join(_SHOWN)}")
    return keys


Url = Annotated[str, AfterValidator(_check_url)]


class ApiConfig(StrictModel):
    """How the API and the dashboard are served."""

    listen: Listen = "127.0.0.1:8080"
    evaluator_url: Url = "http://127.0.0.1:9701"
    notifier_url: Url = "http://127.0.0.1:9702"
    collector_url: Url = "http://127.0.0.1:9700"
    collector_tls: CollectorTls = CollectorTls()
    """Where the collector serves HTTPS (`collector.web_config_file`); `tocsin up` fills in what it knows."""
    instance: str = ""
    """This copy's name in heartbeats and consumer groups; empty: host and port."""
    session_hours: float = Field(default=12.0, gt=0, le=24 * 90)
    components: Annotated[tuple[str, ...], AfterValidator(_check_components)] = _SHOWN
    """The cards that are shown; leave out what your stack does not have."""
    poll_interval: Duration = Field(default=2.0, gt=0)
    """How often the evaluator is asked for values and rules."""
    stale_after: Duration = Field(default=10.0, gt=0)
    """Without an answer for this long, everything is shown as unknown."""
    login_limits: ThrottleLimits = ThrottleLimits()
    rate_limits: RateLimits = RateLimits()
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Proxies whose X-Forwarded-For is believed, for the limits on logins and requests."""
    max_body_bytes: int = Field(default=65_536, ge=1024)
    max_live_clients: int = Field(default=2000, ge=1)
    tls: TlsConfig | None = None
    """Serve HTTPS; without it put a proxy that does before a dashboard that others reach."""
    oidc: OidcConfig | None = None
    """Log in by an OpenID Connect provider."""
    local_logins: tuple[str, ...] | None = None
    """Who may log in by a password; left out: all who have one. With `oidc` name one admin for the day it is away."""
    quality: QualitySettings = QualitySettings()
    open_metrics: bool = False
    """Serve /metrics to anybody also when listening on more than loopback."""
