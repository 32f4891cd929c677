"""Rules made by page or API: make, change, delete, preview, dry run, export."""

from aiohttp import web

from services.api.alerts.model import AlertChart
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.rules.model import (
    ApiRuleDetail,
    ApiRules,
    ChangeBody,
    DryRun,
    PreviewBody,
    RuleBody,
    RulePreview,
    TestBody,
)

_PATH = "/api/admin/monitoring/rules"


async def _list(api: Api, _call: Call[Nothing, Nothing]) -> ApiRules:
    return ApiRules(rules=await api.rules.all())


async def _export(api: Api, _call: Call[Nothing, Nothing]) -> web.StreamResponse:
    headers = {"Content-Disposition": 'attachment; filename="dashboard.yml"'}
    return web.Response(text=await api.rules.yaml(), content_type="application/yaml", headers=headers)


async def _one(api: Api, call: Call[Nothing, Nothing]) -> ApiRuleDetail:
    return await api.rules.one(call.path["id"])


async def _create(api: Api, call: Call[Nothing, RuleBody]) -> ApiRuleDetail:
    return await api.rules.create(call.body, call.identity.username)


async def _preview(api: Api, call: Call[Nothing, PreviewBody]) -> RulePreview:
    return await api.rules.preview(call.body.rule, call.body.hours)


async def _change(api: Api, call: Call[Nothing, ChangeBody]) -> ApiRuleDetail:
    return await api.rules.change(call.path["id"], call.body, call.identity.username)


async def _delete(api: Api, call: Call[Nothing, Nothing]) -> web.StreamResponse:
    await api.rules.delete(call.path["id"], call.identity.username)
    return web.Response(status=204)


async def _test(api: Api, call: Call[Nothing, TestBody]) -> DryRun:
    return await api.rules.test(call.path["id"], call.body.hours)


async def _chart(api: Api, call: Call[Nothing, Nothing]) -> AlertChart:
    return await api.rules.chart(call.path["id"])


ROUTES = (
    Route(
        method="GET",
        path=f"{_PATH}/made",
        name="listApiRules",
        summary="The rules made by page or API, whether in force or disabled",
        role="viewer",
        handler=_list,
        answer=ApiRules,
        query=Nothing,
        body=Nothing,
    ),
    Route(
        method="GET",
        path=f"{_PATH}/export",
        name="exportApiRules",
        summary="The rules made by page or API as a rule file (YAML), for git",
        role="viewer",
        handler=_export,
        answer=None,
        query=Nothing,
        body=Nothing,
    ),
    Route(
        method="POST",
        path=_PATH,
        name="createRule",
        summary="Make a rule; the evaluator checks it first",
        role="operator",
        handler=_create,
        answer=ApiRuleDetail,
        query=Nothing,
        body=RuleBody,
        status=201,
        problems=(409,),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/preview",
        name="previewRule",
        summary="What the evaluator says of a rule that is not kept, and when it would have fired",
        role="viewer",
        handler=_preview,
        answer=RulePreview,
        query=Nothing,
        body=PreviewBody,
    ),
    Route(
        method="GET",
        path=f"{_PATH}/{{id}}",
        name="getRule",
        summary="One rule made here, with its versions",
        role="viewer",
        handler=_one,
        answer=ApiRuleDetail,
        query=Nothing,
        body=Nothing,
        problems=(404, 409),
    ),
    Route(
        method="PUT",
        path=f"{_PATH}/{{id}}",
        name="changeRule",
        summary="Change a rule made here; one of a file is refused with the file's name",
        role="operator",
        handler=_change,
        answer=ApiRuleDetail,
        query=Nothing,
        body=ChangeBody,
        problems=(404, 409),
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/{{id}}",
        name="deleteRule",
        summary="Take a rule made here out of force; its versions are kept",
        role="operator",
        handler=_delete,
        answer=None,
        query=Nothing,
        body=Nothing,
        status=204,
        problems=(404, 409),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/{{id}}/test",
        name="testRule",
        summary="When a rule would have fired, by the samples that are kept",
        role="viewer",
        handler=_test,
        answer=DryRun,
        query=Nothing,
        body=TestBody,
        problems=(404, 409),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/{{id}}/chart",
        name="getRuleChart",
        summary="The last hour of what a rule compares, with its limits: why it does not fire",
        role="viewer",
        handler=_chart,
        answer=AlertChart,
        query=Nothing,
        body=Nothing,
        problems=(404,),
    ),
)
