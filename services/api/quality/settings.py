"""The part `api.quality` of the configuration."""

from pydantic import Field

from services.common.config import StrictModel
from services.common.durations import Duration

_DAY = 86_400.0


class QualitySettings(StrictModel):
    """Audits of the code."""

    branch: str = Field(default="main", min_length=1, max_length=200)
    """Whose audits are shown first, and whose vulnerabilities raise alerts."""
    keep: Duration = Field(default=400 * _DAY, gt=0)
    """How long audits are kept."""
    audit_command: tuple[str, ...] = ()
    """What "Run full audit" runs, without a shell; it writes its reports into the folder $TOCSIN_AUDIT_DIR."""
    audit_timeout: Duration = Field(default=1800.0, gt=0, le=86_400)
    """After so long the command and all that it started are ended."""
    audit_environment: dict[str, str] = Field(default_factory=dict)
    """The environment of the command, beside PATH, HOME and TOCSIN_AUDIT_DIR; the API's own is not passed on."""
