"""Turns errors of the API's handlers into Prometheus' error answers."""

import structlog
from aiohttp import web

from services.common.web import Handler
from services.evaluator.query_api.encode import failure
from services.evaluator.query_api.params import ApiError

log = structlog.get_logger(__name__)


@web.middleware
async def error_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer in JSON below /api/, whatever went wrong."""
    if not request.path.startswith("/api/"):
        return await handler(request)
    try:
        return await handler(request)
    except ApiError as error:
        return failure(error.kind, error.text)
    except web.HTTPNotFound:
        return failure("not_found", f"no such endpoint: {request.path}")
    except web.HTTPException:
        raise
    except Exception as error:
        log.exception("api_failed", path=request.path)
        return failure("internal", f"{type(error).__name__}: {error}")
