"""The nodes of a Cluster, or what Sentinels watch: found anew at each scrape, each scraped by itself."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from services.collector.reasons import ScrapeError, reason_of
from services.collector.sheet import Sheet
from services.collector.sources.redis.client import Address, seed_label
from services.collector.sources.redis.collector import Topology
from services.collector.sources.redis.config import RedisTarget
from services.collector.sources.redis.node import Node
from services.collector.sources.redis.sheets import merge
from services.common.config import ConfigError

MakeNode = Callable[[SecretStr | Address], Node]


_SPARE = 0.1


@dataclass
class Outcome:
    """One node's scrape."""

    sheet: Sheet
    topology: Topology | None = None
    error: BaseException | None = None


def _most_common(views: Sequence[frozenset[Address]]) -> frozenset[Address]:
    # A node that was reset knows itself only, and one that was forgotten still knows all: neither is the majority.
    return max(views, key=lambda view: (views.count(view), len(view)))


class Fleet:
    """Nodes by the label that they are given; a node that is in nobody's table any more is forgotten.

    A node that does not answer but was not taken out of the table stays, with `redis_up` 0: so its end is seen.
    """

    def __init__(self, target: RedisTarget, make: MakeNode) -> None:
        self._target, self._make = target, make
        self._seeds = {seed_label(url): url for url in (target.url, *target.seeds)}
        self._nodes: dict[str, Node] = {}
        self._lead = ""
        """The node that is asked for the others; while there is none, all are asked."""

    async def scrape(self, sheet: Sheet, limit: float, monotonic: Callable[[], float]) -> None:
        """Write all nodes' samples within `limit` seconds; raises the error of one when none answered."""
        # A node that hangs takes its time whole; what the others said must still get out.
        end = monotonic() + limit - min(_SPARE, limit / 4)
        self._add_seeds()
        done = await self._round(list(self._nodes), end - monotonic())
        if all(outcome.error is not None for outcome in done.values()):
            # All may have moved to other addresses, which only the seeds' names tell.
            self._lead = ""
            self._add_seeds(again=True)
            done.update(await self._round([label for label in self._nodes if label not in done], end - monotonic()))
        await self._take(done)
        new = [label for label in self._nodes if label not in done]
        done.update(await self._round(new, end - monotonic()))
        self._write(sheet, done)

    def _add_seeds(self, *, again: bool = False) -> None:
        if self._lead not in self._nodes:
            self._lead = ""
        if again or not self._nodes:
            for label, url in self._seeds.items():
                if label not in self._nodes:
                    self._nodes[label] = self._make(url)

    async def _round(self, labels: Sequence[str], limit: float) -> dict[str, Outcome]:
        asked = {self._lead} if self._lead else set(labels)
        found = await asyncio.gather(*(self._one(label, max(limit, 0), discover=label in asked) for label in labels))
        return dict(zip(labels, found, strict=True))

    async def _one(self, label: str, limit: float, *, discover: bool) -> Outcome:
        outcome, node = Outcome(Sheet()), self._nodes[label]
        try:
            async with asyncio.timeout(limit):
                outcome.topology = await node.scrape(outcome.sheet, limit, discover=discover)
        except (ScrapeError, ConfigError, TimeoutError) as error:
            outcome.error = error
            outcome.sheet = Sheet()
            node.write_own(outcome.sheet, reason=reason_of(error).value, up=False, took=None)
        return outcome

    async def _take(self, done: dict[str, Outcome]) -> None:
        if self._lead in done and done[self._lead].error is not None:
            self._lead = next((label for label, outcome in done.items() if outcome.error is None), "")
        views: dict[str, frozenset[Address]] = {}
        for label, outcome in list(done.items()):
            if outcome.topology is not None:
                own = self._rename(label, outcome.topology.myself, done)
                views[own] = frozenset(outcome.topology.nodes)
        if not views:
            return
        view = _most_common(list(views.values()))
        wanted = {str(address): address for address in sorted(view, key=str)}
        self._lead, lead = next(label for label in views if views[label] == view), self._lead
        stay = set(self._seeds) if self._target.discover == "sentinel" else set[str]()
        lost = self._nodes.keys() - wanted.keys() - stay
        if lead and any(label in done and done[label].error is None for label in lost):
            # Nodes that answer, but not to who was asked: either may be the one that was taken out. All are asked next.
            self._lead = ""
            lost = set()
        for label in lost:
            done.pop(label, None)
            await self._nodes.pop(label).close()
        for label, address in list(wanted.items())[: self._target.max_nodes]:
            if label not in self._nodes:
                self._nodes[label] = self._make(address)

    def _rename(self, label: str, address: Address | None, done: dict[str, Outcome]) -> str:
        # A seed is known by a name of ours until it says its own address; it must not stand twice.
        if address is None or str(address) == label:
            return label
        own = str(address)
        if own not in self._nodes:
            self._nodes[own] = self._nodes.pop(label)
            done[own] = done.pop(label)
        return own

    def _write(self, sheet: Sheet, done: dict[str, Outcome]) -> None:
        for label, outcome in done.items():
            merge(sheet, outcome.sheet, node=label)
        errors = [outcome.error for outcome in done.values() if outcome.error is not None]
        sheet.gauge("redis_nodes", "Nodes that are scraped.", len(done))
        sheet.gauge("redis_nodes_up", "Nodes that answered this scrape.", len(done) - len(errors))
        if errors and len(errors) == len(done):
            raise errors[0]

    async def close(self) -> None:
        """Drop all connections."""
        nodes, self._nodes = self._nodes, {}
        await asyncio.gather(*(node.close() for node in nodes.values()))
