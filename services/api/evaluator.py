"""Questions to the evaluator, in Prometheus' HTTP API."""

from typing import TypeVar

import aiohttp
from pydantic import BaseModel, ConfigDict, RootModel, ValidationError

from services.api.overview.evaluated import Matrix, RuleGroups, Success, Vector
from services.api.problem import ProblemError
from services.api.rules.model import RuleProblem

_RECORDED = '{__name__=~"tocsin:.+"}'
_TIMEOUT = aiohttp.ClientTimeout(total=5.0)
_LONG = aiohttp.ClientTimeout(total=25.0)
Model = TypeVar("Model", bound=BaseModel)


class EvaluatorError(RuntimeError):
    """No answer, or none that can be used; `reason` is bounded."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def evaluator_away(error: EvaluatorError) -> ProblemError:
    """Return the problem of a request that needs the evaluator while it gives no answer."""
    return ProblemError(
        503,
        "evaluator-away",
        f"The evaluator gives no answer: {error}.",
        "Look whether it runs (tocsin up, or its /-/ready), and whether evaluator_url is right.",
        headers={"Retry-After": "5"},
    )


class _Checked(BaseModel):
    model_config = ConfigDict(extra="ignore")

    problems: list[RuleProblem]


class _Tree(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Texts(RootModel[list[str]]):
    pass


class _LabelSets(RootModel[list[dict[str, str]]]):
    pass


class Function(BaseModel):
    """One PromQL function."""

    model_config = ConfigDict(extra="ignore")

    name: str
    signature: str
    doc: str


class Functions(BaseModel):
    """The words of PromQL."""

    model_config = ConfigDict(extra="ignore")

    functions: list[Function]
    aggregations: list[str]


class EvaluatorClient:
    """Asks with the service token; every method raises EvaluatorError."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session, self._url = session, url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    async def recorded_now(self, at: float) -> Vector:
        """Return the recorded series' values at that time."""
        return await self.instant(_RECORDED, at)

    async def instant(self, query: str, at: float) -> Vector:
        """Return an expression's values at that time."""
        return await self._ask("/api/v1/query", {"query": query, "time": f"{at:.3f}"}, Vector)

    async def recorded_since(self, start: float, end: float, step: int) -> Matrix:
        """Return the recorded series from start to end, a point each `step` seconds."""
        asked = {"query": _RECORDED, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": str(step)}
        return await self._ask("/api/v1/query_range", asked, Matrix)

    async def range(self, query: str, start: float, end: float, step: int, *, past: bool = False) -> Matrix:
        """Return an expression's values from start to end, one each `step` seconds.

        `past`: of recorded series as far back as the history goes, not the head.
        """
        asked = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": str(step)}
        if not past:
            return await self._ask("/api/v1/query_range", asked, Matrix)
        return await self._ask("/api/v1/query_range", {**asked, "tocsin_past": "1"}, Matrix, limit=_LONG)

    async def metrics_of(self, query: str) -> set[str]:
        """Return the names of the metrics that an expression reads; "" stands for a selector without a name."""
        return _names(await self._ask("/api/v1/parse_query", {"query": query}, _Tree))

    async def functions(self) -> Functions:
        """Return PromQL's functions and aggregations."""
        return await self._ask("/api/v1/functions", {}, Functions)

    async def metric_names(self) -> list[str]:
        """Return the names of the metrics that the evaluator holds."""
        return (await self._ask("/api/v1/label/__name__/values", {}, _Texts)).root

    async def label_sets(self, metric: str) -> list[dict[str, str]]:
        """Return the labels of a metric's series, at most 1,000."""
        asked = {"match[]": f'{{__name__="{_escaped(metric)}"}}', "limit": "1000"}
        return (await self._ask("/api/v1/series", asked, _LabelSets)).root

    async def rules(self) -> RuleGroups:
        """Return the rules in force."""
        return await self._ask("/api/v1/rules", {}, RuleGroups)

    async def active(self, model: type[Model]) -> Model:
        """Return the pending and firing alerts, read as the model."""
        return await self._ask("/api/v1/alerts", {}, model)

    async def targets(self, model: type[Model]) -> Model:
        """Return the scraped targets, read as the model."""
        return await self._ask("/api/v1/targets", {"state": "active"}, model)

    async def check_rules(self, text: str) -> list[RuleProblem]:
        """Return what the evaluator says of a rule file."""
        return (await self._ask("/api/v1/rules/check", {}, _Checked, body=text.encode())).problems

    async def _ask(
        self,
        path: str,
        query: dict[str, str],
        model: type[Model],
        body: bytes | None = None,
        limit: aiohttp.ClientTimeout = _TIMEOUT,
    ) -> Model:
        method = "GET" if body is None else "POST"
        try:
            async with self._session.request(
                method, self._url + path, params=query, headers=self._headers, data=body, timeout=limit
            ) as answer:
                if answer.status in {401, 403}:
                    raise EvaluatorError("refused", "the evaluator refuses the service token; is it the same file?")
                text = await answer.read()
                if answer.status != 200:  # noqa: PLR2004 - OK
                    raise EvaluatorError("failed", f"the evaluator answers {answer.status} to {path}")
            return model.model_validate(Success.model_validate_json(text).data)
        except ValidationError as error:
            raise EvaluatorError("bad_answer", f"the evaluator's answer to {path} has another form: {error}") from error
        except TimeoutError as error:
            raise EvaluatorError("timeout", f"the evaluator did not answer {path} in time") from error
        except aiohttp.ClientError as error:
            raise EvaluatorError("unreachable", f"the evaluator can't be reached at {self._url}: {error}") from error


def _names(tree: _Tree) -> set[str]:
    found, left = set[str](), [tree.model_extra or {}]
    while left:
        node = left.pop()
        if node.get("type") in {"vectorSelector", "matrixSelector"}:
            found.add(str(node.get("name") or ""))
        for part in node.values():
            left += [one for one in (part if isinstance(part, list) else [part]) if isinstance(one, dict)]
    return found


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
