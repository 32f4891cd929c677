"""Real messages on demand."""

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.oncall.model import TestAnswer, TestBody


async def _test(api: Api, call: Call[Nothing, TestBody]) -> TestAnswer:
    return await api.on_call.test(call.body, call.identity)


ROUTES = (
    Route(
        method="POST",
        path="/api/admin/monitoring/notifications/test",
        name="sendTestMessage",
        summary="Send a real test message to me (an admin: to anybody), and tell what each provider said",
        role="operator",
        handler=_test,
        answer=TestAnswer,
        query=Nothing,
        body=TestBody,
        problems=(404, 429),
    ),
)
