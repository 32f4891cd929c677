"""How one is told: channels, severities, quiet hours, limits."""

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.oncall.model import ContactQuery, PreferenceBody, Preferences

_PATH = "/api/admin/monitoring/preferences"


async def _get(api: Api, call: Call[ContactQuery, Nothing]) -> Preferences:
    return await api.on_call.preferences(call.query.contact, call.identity)


async def _put(api: Api, call: Call[ContactQuery, PreferenceBody]) -> Preferences:
    return await api.on_call.choose(call.query.contact, call.body, call.identity)


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        name="getPreferences",
        summary="How I am told (an admin: anybody): the file's word, my choice, and what is in force",
        role="viewer",
        handler=_get,
        answer=Preferences,
        query=ContactQuery,
        body=Nothing,
    ),
    Route(
        method="PUT",
        path=_PATH,
        name="putPreferences",
        summary="Choose how I am told; what is null stays as the file has it",
        role="viewer",
        handler=_put,
        answer=Preferences,
        query=ContactQuery,
        body=PreferenceBody,
        problems=(404,),
    ),
)
