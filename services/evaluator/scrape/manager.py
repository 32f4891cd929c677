"""Keeps one loop per target, and brings loops in line with configuration and discovery."""

import asyncio
import contextlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from services.common.clock import Clock
from services.common.lifecycle import keep_running, spawn
from services.common.watch import watch_files
from services.evaluator.head import Head
from services.evaluator.scrape.arrival import OnArrival
from services.evaluator.scrape.client import ScrapeClient
from services.evaluator.scrape.config import ScrapeConfig
from services.evaluator.scrape.discovery import FileDiscovery, static_groups
from services.evaluator.scrape.http_discovery import HttpDiscovery
from services.evaluator.scrape.loop import TargetLoop
from services.evaluator.scrape.shapes import Shapes
from services.evaluator.scrape.targets import Discovered, TargetGroup, build_targets
from services.evaluator.telemetry import ScrapeTelemetry


@dataclass
class _Job:
    config: ScrapeConfig
    client: ScrapeClient
    files: FileDiscovery
    lists: list[HttpDiscovery]
    stack: AsyncExitStack
    loops: dict[str, tuple[TargetLoop, asyncio.Task[None]]] = field(default_factory=dict)
    discovered: list[Discovered] = field(default_factory=list)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def groups(self) -> list[TargetGroup]:
        """Return what all kinds of discovery name now."""
        listed = [group for source in self.lists for group in source.groups]
        return [*static_groups(self.config), *self.files.read(), *listed]


class ScrapeManager:
    """All jobs of the configuration in force."""

    def __init__(
        self, head: Head, *, base: Path, clock: Clock, telemetry: ScrapeTelemetry, on_arrival: OnArrival
    ) -> None:
        self._head, self._base, self._clock, self._telemetry = head, base, clock, telemetry
        self._on_arrival = on_arrival
        self._shapes = Shapes()
        self._jobs: dict[str, _Job] = {}

    async def apply(self, configs: Sequence[ScrapeConfig]) -> None:
        """Take these jobs (defaults filled in) into force; loops of unchanged jobs go on untouched.

        Raises ConfigError, with the old jobs still in force, when a new job can't be set up.
        """
        wanted = {config.job_name: config for config in configs}
        fresh: dict[str, _Job] = {}
        async with AsyncExitStack() as undo:
            for name, config in wanted.items():
                old = self._jobs.get(name)
                if old is None or old.config != config:
                    fresh[name] = await self._open(config, undo)
            undo.pop_all()
        replaced = {name: self._jobs.pop(name) for name in list(self._jobs) if name not in wanted or name in fresh}
        for old in replaced.values():
            await old.stack.aclose()
        self._jobs.update(fresh)
        for name, job in fresh.items():
            _hand_over_lists(replaced.get(name), job)
            await self._start(job)
            _hand_over(replaced.get(name), job)
        for name, old in replaced.items():
            _end(old)
            if name not in self._jobs:
                self._telemetry.targets.remove(name)

    async def close(self) -> None:
        """Stop all loops; nothing is marked as stale: a restart is no end of the targets."""
        for job in self._jobs.values():
            await job.stack.aclose()
        self._jobs.clear()

    @property
    def loops(self) -> list[TargetLoop]:
        """All running loops, by job and URL."""
        found = [loop for job in self._jobs.values() for loop, _ in job.loops.values()]
        return sorted(found, key=lambda loop: (loop.target.job, loop.target.url))

    @property
    def scraped_once(self) -> bool:
        """Whether every target has had its first scrape."""
        return all(loop.status.last_scrape > 0 for job in self._jobs.values() for loop, _ in job.loops.values())

    @property
    def configs(self) -> list[ScrapeConfig]:
        """The jobs in force."""
        return [job.config for job in self._jobs.values()]

    @property
    def dropped(self) -> list[tuple[str, Discovered]]:
        """Discovered addresses that relabelling dropped or that are not usable, each with its job."""
        return [
            (name, one)
            for name, job in self._jobs.items()
            for one in [one for one in job.discovered if one.target is None][: job.config.keep_dropped_targets or None]
        ]

    @property
    def pools(self) -> list[str]:
        """Names of the jobs."""
        return sorted(self._jobs)

    def discovered_labels(self, loop: TargetLoop) -> dict[str, str]:
        """Return the labels that a loop's target was found with."""
        job = self._jobs.get(loop.target.job)
        return next((dict(one.discovered) for one in (job.discovered if job else []) if one.target == loop.target), {})

    async def _open(self, config: ScrapeConfig, undo: AsyncExitStack) -> _Job:
        stack = AsyncExitStack()
        undo.push_async_callback(stack.aclose)
        client = ScrapeClient(config, self._base, self._clock)
        await client.open(stack)
        lists = [HttpDiscovery(one, self._base, self._clock) for one in config.http_sd_configs]
        for source in lists:
            await source.open(stack)
        return _Job(config, client, FileDiscovery(config.file_sd_configs, self._base), lists, stack)

    async def _start(self, job: _Job) -> None:
        job.stack.push_async_callback(_stop_loops, job)
        await self._discover(job)
        if job.files.patterns:
            spawn(job.stack, self._refresh(job), name=f"refresh {job.config.job_name}")
            spawn(job.stack, self._watch(job), name=f"watch {job.config.job_name}")

        for source in job.lists:
            spawn(job.stack, self._poll(job, source), name=f"poll {source.config.url}")

    async def _poll(self, job: _Job, source: HttpDiscovery) -> None:
        while True:
            reason = await source.poll()
            if reason is None:
                await self._discover(job)
            else:
                self._telemetry.discovery_failures.labels(job.config.job_name, reason).inc()
            await self._clock.sleep(source.config.refresh_interval)

    async def _watch(self, job: _Job) -> None:
        await watch_files(job.files.patterns, lambda: self._discover(job))

    async def _refresh(self, job: _Job) -> None:
        while True:
            await self._clock.sleep(job.files.refresh)
            await self._discover(job)

    async def _discover(self, job: _Job) -> None:
        async with job.lock:
            await self._bring_in_line(job)

    async def _bring_in_line(self, job: _Job) -> None:
        job.discovered = build_targets(job.config, job.groups())
        targets = {one.target.key: one.target for one in job.discovered if one.target is not None}
        for key in [key for key in job.loops if key not in targets]:
            loop, task = job.loops.pop(key)
            await _stop(task)
            job.client.forget(loop.target)
            loop.end()
        for key, target in targets.items():
            if key not in job.loops:
                fresh = TargetLoop(
                    target, job.config, job.client.fetch, self._head,
                    clock=self._clock, telemetry=self._telemetry, on_arrival=self._on_arrival,
                    shapes=self._shapes,
                )  # fmt: skip
                job.loops[key] = (fresh, asyncio.create_task(self._keep(fresh), name=f"scrape {target.url}"))
        self._limit(job)
        self._telemetry.targets.labels(job.config.job_name).set(len(job.loops))

    def _limit(self, job: _Job) -> None:
        """Let all scrapes of a job fail that has more targets than its limit, as Prometheus does."""
        limit, number = job.config.target_limit or 0, len(job.loops)
        refused = f"target_limit exceeded ({number} targets, limit {limit})" if limit and number > limit else ""
        for loop, _ in job.loops.values():
            loop.refused = refused

    async def _keep(self, loop: TargetLoop) -> None:
        await keep_running("scrape", loop.run, clock=self._clock, telemetry=self._telemetry.base)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _stop_loops(job: _Job) -> None:
    for _, task in job.loops.values():
        await _stop(task)


def _hand_over(old: _Job | None, new: _Job) -> None:
    """Let unchanged targets of a changed job go on without a gap."""
    for key, (loop, _) in new.loops.items():
        if old is not None and key in old.loops:
            loop.take_over(old.loops.pop(key)[0])


def _hand_over_lists(old: _Job | None, new: _Job) -> None:
    """Let a changed job begin with the targets that its lists named last."""
    known = {source.config.url: source for source in old.lists} if old is not None else {}
    for source in new.lists:
        if source.config.url in known:
            source.take_over(known[source.config.url])


def _end(job: _Job) -> None:
    for loop, _ in job.loops.values():
        loop.end()
