"""`/api/v1/series`, `labels`, `label/<name>/values`, `metadata`, `status/tsdb`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from aiohttp import web

from services.evaluator.head import Head, HeadStats
from services.evaluator.promql import Block, Storage
from services.evaluator.promql.storage import absent_cells, stale_cells
from services.evaluator.query_api.encode import LIMITED, success
from services.evaluator.query_api.params import ApiError, Params, bad, label_name, parse_matchers
from services.evaluator.query_api.service import QueryService
from services.evaluator.scrape.manager import ScrapeManager

_PAST, _FUTURE = -(1 << 60), 1 << 60
_TOP = 10


class SeriesRoutes:
    """Tells which series the head holds."""

    def __init__(self, service: QueryService, head: Head, scrapes: ScrapeManager) -> None:
        self._service, self._head, self._scrapes = service, head, scrapes

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/api/v1/series", self._series),
            web.post("/api/v1/series", self._series),
            web.get("/api/v1/labels", self._labels),
            web.post("/api/v1/labels", self._labels),
            web.get("/api/v1/label/{name}/values", self._values),
            web.get("/api/v1/metadata", self._metadata),
            web.get("/api/v1/status/tsdb", self._tsdb),
        ]

    async def _series(self, request: web.Request) -> web.Response:
        params = await Params.of(request)
        selectors = parse_matchers(params.all("match[]"))
        if not selectors:
            raise ApiError("bad_data", "no match[] parameter provided")
        start, end = _times(params)

        def find(storage: Storage) -> list[dict[str, str]]:
            found = {
                tuple(sorted(labels.items()))
                for matchers in selectors
                for block in storage.select(matchers, start, end)
                for labels in _alive(block, start, end)
            }
            return [dict(labels) for labels in sorted(found)]

        return _limited(await self._service.work(find), params)

    async def _labels(self, request: web.Request) -> web.Response:
        params = await Params.of(request)
        every = self._found(params)
        names = await self._service.work(lambda _: sorted({name for labels in every for name in labels}))
        return _limited(names, params)

    async def _values(self, request: web.Request) -> web.Response:
        params = await Params.of(request)
        name = label_name(request.match_info["name"])
        every = self._found(params)
        values = await self._service.work(lambda _: sorted({value for one in every if (value := one.get(name))}))
        return _limited(values, params)

    def _found(self, params: Params) -> list[Mapping[str, str]]:
        """Return the labels of series that the head holds, if it has samples of the time at all; reads no sample."""
        selectors = parse_matchers(params.all("match[]"))
        start, end = _times(params)
        bounds = self._head.bounds()
        if bounds is None or bounds[1] < start or bounds[0] > end:
            return []
        if not selectors:
            return list(self._head.labels())
        return [
            labels
            for matchers in selectors
            for block in self._head.select(matchers, _PAST, _FUTURE)
            for labels in block.labels
        ]

    async def _metadata(self, request: web.Request) -> web.Response:
        params = await Params.of(request)
        wanted, limit = params.text("metric"), params.count("limit")
        per_metric = params.count("limit_per_metric")
        found: dict[str, list[dict[str, str]]] = {}
        for loop in self._scrapes.loops:
            for name, meta in loop.status.meta.items():
                entry = {"type": meta.type, "help": meta.help, "unit": meta.unit}
                if (not wanted or name == wanted) and entry not in found.setdefault(name, []):
                    found[name].append(entry)
        names = sorted(name for name in found if found[name])
        names = names[:limit] if limit else names
        return success({name: found[name][:per_metric] if per_metric else found[name] for name in names})

    async def _tsdb(self, request: web.Request) -> web.Response:
        limit = (await Params.of(request)).count("limit") or _TOP
        every = self._head.labels()
        stats, bounds = self._head.stats(), self._head.bounds() or (0, 0)
        return success(await self._service.work(lambda _: _figures(every, stats, bounds, limit)))


def _figures(every: Iterable[Mapping[str, str]], stats: HeadStats, bounds: tuple[int, int], top: int) -> dict[str, Any]:
    per_name: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for labels in every:
        per_name[labels.get("__name__", "")] += 1
        pairs.update(labels.items())
    values = Counter(name for name, _ in pairs)
    memory: Counter[str] = Counter()
    for name, value in pairs:
        memory[name] += len(value.encode())
    return {
        "headStats": {
            "numSeries": stats.series, "numLabelPairs": len(pairs), "chunkCount": 0,
            "minTime": bounds[0], "maxTime": bounds[1],
        },
        "seriesCountByMetricName": _top(per_name, top),
        "labelValueCountByLabelName": _top(values, top),
        "memoryInBytesByLabelName": _top(memory, top),
        "seriesCountByLabelValuePair": _top(
            Counter({f"{name}={value}": count for (name, value), count in pairs.items()}), top
        ),
        "tocsin": {"samples": stats.samples, "targets": stats.targets, "bytes": stats.bytes,
                   "rejected": stats.rejected, "limited": stats.limited},
    }  # fmt: skip


def _top(counts: Counter[str], limit: int) -> list[dict[str, Any]]:
    return [{"name": name, "value": count} for name, count in counts.most_common(limit)]


def _times(params: Params) -> tuple[int, int]:
    start, end = params.time_ms("start", _PAST), params.time_ms("end", _FUTURE)
    if end < start:
        raise bad("end", "end timestamp must not be before start time")
    return start, end


def _limited(data: list[Any], params: Params) -> web.Response:
    limit = params.count("limit")
    if limit and len(data) > limit:
        return success(data[:limit], warnings=[LIMITED])
    return success(data)


def _alive(block: Block, start: int, end: int) -> Iterator[Mapping[str, str]]:
    """Yield the label sets with a sample within the time."""
    cells = block.matrix()
    times = block.axis_times()
    if block.axes is not None:
        times = times[block.axes]
    inside = (times > start) & (times <= end) & ~absent_cells(cells) & ~stale_cells(cells)
    for row in np.flatnonzero(inside.any(axis=1)).tolist():
        yield block.labels[row]
