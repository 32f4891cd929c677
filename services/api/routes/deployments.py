"""Deployments, told by whoever deploys: markers on the charts of trends."""

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.trends.model import Deployment, DeploymentBody, Deployments, WindowQuery


async def _list(api: Api, call: Call[WindowQuery, Nothing]) -> Deployments:
    start, end = call.query.ends(api.clock.now())
    return Deployments(deployments=await api.trends.deployments(start, end))


async def _add(api: Api, call: Call[Nothing, DeploymentBody]) -> Deployment:
    return await api.trends.add_deployment(call.body, call.identity.username, api.clock.now())


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/deployments",
        name="getDeployments",
        summary="What was put into service, newest first",
        role="viewer",
        handler=_list,
        answer=Deployments,
        query=WindowQuery,
        body=Nothing,
    ),
    Route(
        method="POST",
        path="/api/admin/monitoring/deployments",
        name="addDeployment",
        summary="Tell that something was put into service, so that charts mark it",
        role="operator",
        handler=_add,
        answer=Deployment,
        query=Nothing,
        body=DeploymentBody,
        status=201,
    ),
)
