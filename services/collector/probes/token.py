"""The token of a check, where `oauth2` asks for one."""

from services.collector.probes.base import Run
from services.collector.probes.client_config import ClientAuth
from services.collector.reasons import Reason, ScrapeError
from services.common.oauth2 import TokenError

UNAUTHORISED = 401
# Less than the whole, so that the reason is that there is no token.
_PART = 0.9


async def authorization(run: Run, module: ClientAuth, *, instead_of: str = "") -> str:
    """Return the header's value, "" without `oauth2`; the same as `instead_of` where there is no other now.

    Raises ScrapeError when there is no token, ConfigError when a file can't be read.
    """
    if module.oauth2 is None:
        return ""
    tools, now = run.tools, run.clock.monotonic()
    tokens = tools.tokens.of(module.oauth2, tools.base)
    try:
        return await tokens.authorization(now, instead_of=instead_of, timeout=run.limit * _PART)
    except TokenError as error:
        raise ScrapeError(Reason.AUTH, str(error)) from error
