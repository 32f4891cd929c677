"""Silences: what is told to nobody for a while."""

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.problem import ProblemError
from services.api.silences.model import Preview, PreviewBody, Silence, SilenceBody, Silences
from services.api.silences.preview import preview
from services.common.storage import StorageUnavailableError

_PATH = "/api/admin/monitoring/silences"
_DAY = 86_400.0


async def _list(api: Api, _call: Call[Nothing, Nothing]) -> Silences:
    return Silences(silences=await api.silences.all())


async def _preview(api: Api, call: Call[Nothing, PreviewBody]) -> Preview:
    try:
        recent = await api.record.labels_since(api.clock.now() - _DAY)
    except StorageUnavailableError:
        # What fires now is in memory: half a preview is better than none.
        recent = None
    return preview(call.body.matchers, api.view.firing(), seconds=call.body.duration_seconds, recent=recent)


async def _make(api: Api, call: Call[Nothing, SilenceBody]) -> Silence:
    body = call.body
    seen = preview(body.matchers, api.view.firing(), seconds=body.duration_seconds)
    broad = [warning.text for warning in seen.warnings if warning.broad]
    if broad and not body.confirm_broad:
        raise ProblemError(
            409, "broad-silence", " ".join(broad), "Name the alert or instance, or send confirm_broad: true."
        )
    return await api.silences.make(body, call.identity.username)


async def _expire(api: Api, call: Call[Nothing, Nothing]) -> Silence:
    return await api.silences.expire(call.path["id"], call.identity.username)


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        name="listSilences",
        summary="All silences, those in force first, with the alerts that each hides",
        role="viewer",
        handler=_list,
        answer=Silences,
        query=Nothing,
        body=Nothing,
    ),
    Route(
        method="POST",
        path=_PATH,
        name="createSilence",
        summary="Silence alerts; a broad silence must be confirmed",
        role="operator",
        handler=_make,
        answer=Silence,
        query=Nothing,
        body=SilenceBody,
        status=201,
        problems=(409,),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/preview",
        name="previewSilence",
        summary="What a silence would hide, and what speaks against it; changes nothing",
        role="viewer",
        handler=_preview,
        answer=Preview,
        query=Nothing,
        body=PreviewBody,
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/{{id}}",
        name="expireSilence",
        summary="End a silence now",
        role="operator",
        handler=_expire,
        answer=Silence,
        query=Nothing,
        body=Nothing,
        problems=(404,),
    ),
)
