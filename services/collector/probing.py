"""`/probe` for targets that are not configured: which module, whether it is allowed, and one probe at a time each."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiohttp import web
from prometheus_client import Counter, Gauge

from services.collector.config import ProbeConfig
from services.collector.probes.attempts import probe_with_attempts
from services.collector.probes.base import Tools, write_result
from services.collector.probes.modules import Module, ModuleSet
from services.collector.reasons import Reason
from services.collector.scrape import Target
from services.collector.sheet import Sheet
from services.collector.sources import KINDS
from services.common.telemetry import Telemetry

log = structlog.get_logger(__name__)
_HOSTNAME = re.compile(r"[A-Za-z0-9_.-]{1,253}")
_KINDS = frozenset(kind.key for kind in KINDS)
_DEFAULT = "http_2xx"
_GRACE = 0.3


@dataclass(frozen=True)
class Question:
    """What a caller asks for."""

    target: str
    module: str
    hostname: str
    debug: bool

    @classmethod
    def of(cls, request: web.Request) -> "Question":
        """Return the request's question; raises HTTPBadRequest that shows the form."""
        query = request.query
        if len(query.getall("target", ())) != 1 or not query["target"]:
            raise web.HTTPBadRequest(text="Say which target: /probe?target=NAME, or &module=NAME with its address.\n")
        hostname = query.get("hostname", "")
        if hostname and not _HOSTNAME.fullmatch(hostname):
            raise web.HTTPBadRequest(text="hostname must be a host's name: letters, digits, dots and hyphens.\n")
        # The name of the parameter differs between exporters: postgres_exporter calls its modules auth modules.
        module = query.get("module", "") or query.get("auth_module", "")
        return cls(query["target"], module, hostname, query.get("debug", "") == "true")


@dataclass(frozen=True)
class Probed:
    """A probe's samples, and what happened in words."""

    sheet: Sheet
    notes: tuple[str, ...]


def find_target(targets: Sequence[Target], question: Question) -> Target | None:
    """Return the configured target of that name or address; raises HTTPBadRequest where several are meant."""
    found = [target for target in targets if question.target in {target.name, target.address}]
    if question.module in _KINDS:
        found = [target for target in found if target.kind == question.module]
    elif question.module:
        return None
    if len(found) > 1:
        kinds = ", ".join(target.kind for target in found)
        raise web.HTTPBadRequest(text=f"Several targets have that name; add &module= with one of: {kinds}.\n")
    return found[0] if found else None


def debug_text(notes: Sequence[str], metrics: bytes) -> str:
    """Return a page for a person who wants to know why a probe fails; configured secrets are in none of its parts."""
    lines = "\n".join(notes) or "nothing to tell"
    return f"Logs for the probe:\n{lines}\n\n\n\nMetrics that would have been returned:\n{metrics.decode()}"


class AddressProber:
    """Probes allowed addresses; callers who ask the same at the same time share one probe."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._config, self._modules = ProbeConfig(), ModuleSet({})
        self._tools: Tools | None = None
        self._running: dict[tuple[str, str, str], asyncio.Task[Probed]] = {}
        self._unknown = Counter(
            "blackbox_module_unknown_total", "Count of unknown modules requested by probes", registry=telemetry.registry
        )
        text = "1 for a module of probe.config_file that asks for what is not supported; the log says what."
        self._refused = Gauge("tocsin_collector_probe_module_refused", text, ["module"], registry=telemetry.registry)

    def take(self, config: ProbeConfig, modules: ModuleSet, tools: Tools) -> None:
        """Take a configuration into force; probes that run end by the old one."""
        self._refused.clear()
        for name, why in modules.refused.items():
            self._refused.labels(name).set(1)
            if self._modules.refused.get(name) != why:
                log.warning("probe_module_refused", module=name, error=why)
        self._config, self._modules, self._tools = config, modules, tools

    @property
    def modules(self) -> Mapping[str, Module]:
        """The modules in force, by name."""
        return self._modules.by_name

    async def close(self) -> None:
        """Cancel what runs."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    async def probe(self, question: Question, limit: float) -> Probed:
        """Return what was seen and what happened; raises HTTPBadRequest or HTTPForbidden."""
        name = question.module or _DEFAULT
        module = self.modules.get(name)
        if name in self._modules.refused:
            raise web.HTTPBadRequest(text=f"This module is refused: {self._modules.refused[name]}.\n")
        if module is None:
            self._unknown.inc()
            names = ", ".join(sorted(self.modules))
            raise web.HTTPBadRequest(text=f"There is no module of that name; the modules are: {names}.\n")
        try:
            target = module.tool.target(question.target)
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{error}.\n") from error
        if not self._config.allows(target):
            raise web.HTTPForbidden(
                text="This target is neither configured nor allowed; add it to collector.probe.allowed_targets.\n"
            )
        key = (name, target, question.hostname)
        task = self._running.get(key)
        if task is None:
            bound = min(limit, module.timeout or limit)
            task = asyncio.create_task(self._run(key, module, bound), name=f"probe {name} {target}")
            self._running[key] = task
            task.add_done_callback(lambda _done: self._running.pop(key, None))
        done, _ = await asyncio.wait({task}, timeout=limit + _GRACE)
        if done and not task.cancelled():
            return task.result()
        late = Sheet()
        write_result(late, Reason.TIMEOUT)
        return Probed(late, (f"a probe that another caller began has not ended within {limit:g} s",))

    async def _run(self, key: tuple[str, str, str], module: Module, bound: float) -> Probed:
        name, target, hostname = key
        assert self._tools is not None  # noqa: S101 - `take` comes before the first request
        sheet, notes = Sheet(), [f"module {name} ({module.prober}), target {target}, timeout {bound:g} s"]
        await probe_with_attempts(
            sheet, self._tools, module.tool, target, module.settings,
            limit=bound, attempts=module.attempts, hostname=hostname, notes=notes,
        )  # fmt: skip
        return Probed(sheet, tuple(notes))
