"""The rules in force, as the evaluator tells them."""

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.overview.evaluated import RuleGroups
from services.api.problem import ProblemError
from services.api.rules.identity import with_ids


async def _rules(api: Api, _call: Call[Nothing, Nothing]) -> RuleGroups:
    if api.overview.rules is None or not api.overview.reachable(api.clock.now()):
        raise ProblemError(
            503,
            "evaluator-away",
            "The evaluator does not answer, so the rules in force are not known.",
            "Look whether it runs (tocsin up, or its /-/ready), and whether evaluator_url is right.",
            headers={"Retry-After": "5"},
        )
    return with_ids(api.overview.rules)


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/rules",
        name="getRules",
        summary="Rule groups as Prometheus' API tells them, with Tocsin's own keys",
        role="viewer",
        handler=_rules,
        answer=RuleGroups,
        query=Nothing,
        body=Nothing,
        problems=(503,),
    ),
)
