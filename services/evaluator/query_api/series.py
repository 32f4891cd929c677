"""`/api/v1/series`, `labels`, `label/<name>/values`, `metadata`, `status/tsdb`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from aiohttp import web

from services.evaluator.head import Head
from services.evaluator.promql import Block, Matcher
from services.evaluator.promql.storage import absent_cells, stale_cells
from services.evaluator.query_api.encode import success
from services.evaluator.query_api.params import ApiError, Params, bad, parse_matchers
from services.evaluator.scrape.manager import ScrapeManager

_ALL = (Matcher("__name__", "=~", ".+"),)
_PAST, _FUTURE = -(1 << 60), 1 << 60
_TOP = 10


class SeriesRoutes:
    """Tells which series the head holds."""

    def __init__(self, head: Head, scrapes: ScrapeManager) -> None:
        self._head, self._scrapes = head, scrapes

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
        found = {tuple(sorted(labels.items())) for labels in self._found(selectors, params)}
        return _limited([dict(labels) for labels in sorted(found)], params)

    async def _labels(self, request: web.Request) -> web.Response:
        params = await Params.of(request)
        names = {name for labels in self._found(parse_matchers(params.all("match[]")), params) for name in labels}
        return _limited(sorted(names), params)

    async def _values(self, request: web.Request) -> web.Response:
        params = await Params.of(request)
        name = request.match_info["name"]
        if name == "__name__" and not params.all("match[]") and not params.text("start"):
            return _limited(self._head.index.names, params)
        found = self._found(parse_matchers(params.all("match[]")), params)
        return _limited(sorted({labels[name] for labels in found if name in labels}), params)

    def _found(self, selectors: Sequence[tuple[Matcher, ...]], params: Params) -> Iterator[Mapping[str, str]]:
        start, end = params.time_ms("start", _PAST), params.time_ms("end", _FUTURE)
        if end < start:
            raise bad("end", "end timestamp must not be before start time")
        for matchers in selectors or [_ALL]:
            for block in self._head.select(matchers, start, end):
                yield from _alive(block, start, end)

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
        stats = self._head.stats()
        per_name: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        first, last = _FUTURE, _PAST
        for block in self._head.select(_ALL, _PAST, _FUTURE):
            times = block.axis_times()
            # Axes that share a matrix are filled up to its length with times that never were.
            times = times[(times > 0) & (times < _FUTURE)]
            if times.size:
                first, last = min(first, int(times.min())), max(last, int(times.max()))
            for labels in block.labels:
                per_name[labels.get("__name__", "")] += 1
                pairs.update(labels.items())
        values = Counter(name for name, _ in pairs)
        memory: Counter[str] = Counter()
        for name, value in pairs:
            memory[name] += len(value.encode())
        return success({
            "headStats": {
                "numSeries": stats.series, "numLabelPairs": len(pairs), "chunkCount": 0,
                "minTime": first if per_name else 0, "maxTime": last if per_name else 0,
            },
            "seriesCountByMetricName": _top(per_name, limit),
            "labelValueCountByLabelName": _top(values, limit),
            "memoryInBytesByLabelName": _top(memory, limit),
            "seriesCountByLabelValuePair": _top(
                Counter({f"{name}={value}": count for (name, value), count in pairs.items()}), limit
            ),
            "tocsin": {"samples": stats.samples, "targets": stats.targets, "bytes": stats.bytes,
                       "rejected": stats.rejected, "limited": stats.limited},
        })  # fmt: skip


def _top(counts: Counter[str], limit: int) -> list[dict[str, Any]]:
    return [{"name": name, "value": count} for name, count in counts.most_common(limit)]


def _limited(data: list[Any], params: Params) -> web.Response:
    limit = params.count("limit")
    if limit and len(data) > limit:
        return success(data[:limit], warnings=["results truncated due to limit"])
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
