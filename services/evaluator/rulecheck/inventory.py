"""The series that there are: of a running evaluator or Prometheus, or of one page of metrics."""

from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from services.evaluator.promql import Matcher
from services.evaluator.promql.ast import Selector
from services.evaluator.rules.dead import Labels, Lookup
from services.evaluator.scrape.exposition import ExpositionError, parse_page, parse_series

_TIMEOUT = 10.0
_SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created", "_info")
TARGET_LABELS = frozenset({"instance", "job"})
"""What a page of metrics can't show: the scrape adds it."""


class InventoryError(Exception):
    """The series can't be read; the text says why."""


class Inventory:
    """Finds series; `ignore` are labels that this source can't judge.

    `target_series`: whether it knows what a scrape adds, `up` and the like.
    """

    def __init__(self, name: str, lookup: Lookup, ignore: frozenset[str], *, target_series: bool) -> None:
        self.name, self.lookup, self.ignore, self.target_series = name, lookup, ignore, target_series


def open_inventory(where: str, token: str = "") -> Inventory:
    """Return the inventory of a URL or of a file in the exposition format; raises InventoryError."""
    if where.startswith(("http://", "https://")):
        return Inventory(where, _server(where, token), frozenset(), target_series=True)
    return Inventory(where, _page(Path(where)), TARGET_LABELS, target_series=False)


def _page(path: Path) -> Lookup:
    try:
        body = path.read_bytes()
        page = parse_page(body, openmetrics=body.rstrip().endswith(b"# EOF"))
        series = [parse_series(raw) for raw in page.series]
    except OSError as error:
        raise InventoryError(f"{path}: can't be read: {error.strerror}") from error
    except (ExpositionError, ValueError) as error:
        raise InventoryError(f"{path}: {error}") from error

    def lookup(matchers: Sequence[Matcher]) -> Collection[Labels]:
        return [one for one in series if all(item.matches(one.get(item.name, "")) for item in matchers)]

    return lookup


def _server(url: str, token: str) -> Lookup:
    api = f"{url.rstrip('/')}/api/v1"
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(method: str, path: str, **more: Any) -> Any:
        try:
            answer = httpx.request(method, f"{api}/{path}", headers=headers, timeout=_TIMEOUT, **more)
            answer.raise_for_status()
            return answer.json()["data"]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
            raise InventoryError(f"{url}: the series can't be read: {error}") from error

    @cache
    def series(selector: str) -> list[Labels]:
        data = ask("POST", "series", data={"match[]": selector})
        return [{str(name): str(value) for name, value in one.items()} for one in data]

    @cache
    def scraped(name: str) -> bool:
        # An evaluator keeps what rules read; of other metrics it knows that it saw them.
        families = {name, *(name.removesuffix(one) for one in _SUFFIXES)}
        return any(ask("GET", "metadata", params={"metric": family}) for family in sorted(families))

    def lookup(matchers: Sequence[Matcher]) -> Collection[Labels]:
        found = series(Selector(None, tuple(matchers)).text)
        if found:
            return found
        named = [one for one in matchers if one.name == "__name__" and one.op == "="]
        if named and not series(Selector(None, tuple(named)).text) and scraped(named[0].value):
            return [{"__name__": named[0].value}]
        return []

    return lookup
