"""What an expression can be made of, for the editor's completion."""

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.evaluator import EvaluatorError, evaluator_away
from services.api.model import Nothing
from services.api.rules.model import LabelsOf, MetricLabels, PromqlFunction, Vocabulary

_PATH = "/api/admin/monitoring/rules"
_VALUES = 100


async def _words(api: Api, _call: Call[Nothing, Nothing]) -> Vocabulary:
    try:
        known = await api.evaluator.functions()
        metrics = await api.evaluator.metric_names()
    except EvaluatorError as error:
        raise evaluator_away(error) from error
    functions = [PromqlFunction(**one.model_dump()) for one in known.functions]
    return Vocabulary(metrics=metrics, functions=functions, aggregations=known.aggregations)


async def _labels(api: Api, call: Call[LabelsOf, Nothing]) -> MetricLabels:
    try:
        series = await api.evaluator.label_sets(call.query.metric)
    except EvaluatorError as error:
        raise evaluator_away(error) from error
    names = sorted({name for labels in series for name in labels if name != "__name__"})
    values = {name: sorted({labels[name] for labels in series if name in labels})[:_VALUES] for name in names}
    return MetricLabels(labels=values)


ROUTES = (
    Route(
        method="GET",
        path=f"{_PATH}/vocabulary",
        name="getVocabulary",
        summary="The metrics that the evaluator holds, and PromQL's functions and aggregations",
        role="viewer",
        handler=_words,
        answer=Vocabulary,
        query=Nothing,
        body=Nothing,
        problems=(503,),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/vocabulary/labels",
        name="getMetricLabels",
        summary="The labels of a metric's series and their values",
        role="viewer",
        handler=_labels,
        answer=MetricLabels,
        query=LabelsOf,
        body=Nothing,
        problems=(503,),
    ),
)
