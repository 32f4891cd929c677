"""What people say about alerts: comments, and whether they were useful."""

from collections.abc import Callable, Coroutine
from typing import Any

from services.api.alerts.model import AlertDetail, CommentBody, VerdictBody
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.problem import ProblemError, storage_away
from services.api.routes.detail import find_detail
from services.common.storage import StorageUnavailableError

_PATH = "/api/admin/monitoring/alerts/{id}"


async def _comment(api: Api, call: Call[Nothing, CommentBody]) -> AlertDetail:
    text, by = call.body.text.strip(), call.identity.username
    return await _noted(api, call.path["id"], lambda alert_id: api.notes.comment(alert_id, by, text))


async def _judge(api: Api, call: Call[Nothing, VerdictBody]) -> AlertDetail:
    verdict, by = call.body.verdict, call.identity.username
    return await _noted(api, call.path["id"], lambda alert_id: api.notes.judge(alert_id, by, verdict))


async def _noted(api: Api, alert_id: str, keep: Callable[[str], Coroutine[Any, Any, bool]]) -> AlertDetail:
    try:
        kept = await keep(alert_id)
    except StorageUnavailableError as error:
        raise storage_away("It was not kept") from error
    if not kept:
        raise ProblemError(404, "unknown-alert", "The record has no such alert (yet).", "Try again in a moment.")
    return await find_detail(api, alert_id)


ROUTES = (
    Route(
        method="POST",
        path=f"{_PATH}/comments",
        name="commentAlert",
        summary="Write a comment into an alert's story",
        role="operator",
        handler=_comment,
        answer=AlertDetail,
        query=Nothing,
        body=CommentBody,
        problems=(404, 503),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/verdict",
        name="judgeAlert",
        summary="Say whether an alert was useful; the last word counts",
        role="operator",
        handler=_judge,
        answer=AlertDetail,
        query=Nothing,
        body=VerdictBody,
        problems=(404, 503),
    ),
)
