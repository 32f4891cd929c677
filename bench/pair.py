"""Both sides of a comparison of the evaluator: Prometheus and ours scrape the same targets and run the same rules."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yaml

from bench.exporter import SERIES, scrape_configs, start_targets
from bench.processes import HOST, Side, free_port, start, wait_ready
from bench.report import peer
from bench.tocsin_side import start_tocsin

NO_RULES: dict[str, object] = {"groups": []}
_READ_SECONDS = 120
_OUR_COUNTER, _THEIR_COUNTER = "tocsin_rule_group_evaluations_total", "prometheus_rule_group_iterations_total"


@dataclass
class Member:
    """One side: its process, the address of its API, its rule file and what authorises a query.

    `counter`: its own metric of group evaluations; ours also evaluates when samples arrive, so it has more of them.
    """

    side: Side
    url: str
    rules: Path
    headers: Mapping[str, str]
    counter: str

    async def query(self, session: aiohttp.ClientSession, expr: str) -> object:
        """Run an instant query and return its result; raises RuntimeError when it fails."""
        params = {"query": expr}
        async with session.get(f"{self.url}/api/v1/query", params=params, headers=self.headers) as answer:
            body = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"{self.side.name} refused {expr}: {body}")
            return body["data"]["result"]

    async def group_evaluations(self, session: aiohttp.ClientSession) -> float:
        """Return how many evaluations of a rule group there have been."""
        async with session.get(f"{self.url}/metrics", headers=self.headers) as answer:
            lines = (await answer.text()).splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(self.counter + "{"))

    def use_rules(self, rules: Mapping[str, object]) -> None:
        """Take other rules into force."""
        self.rules.write_text(yaml.safe_dump(dict(rules)))
        self.side.process.send_signal(signal.SIGHUP)


@dataclass
class Pair:
    """Both sides over the same targets."""

    ours: Member
    peer: Member
    series: int
    jobs: list[dict[str, object]]

    @property
    def members(self) -> tuple[Member, Member]:
        """Ours, then the peer."""
        return self.ours, self.peer

    async def wait_scraped(self, seconds: float = 120) -> None:
        """Wait until both sides hold all series; raises RuntimeError.

        It asks for a few series only: what a query over all of them leaves behind is not to be measured.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_READ_SECONDS)) as session:
            for member in self.members:
                while True:
                    result = await member.query(session, 'sum(scrape_samples_scraped{job="bench"})')
                    held = int(float(result[0]["value"][1])) if isinstance(result, list) and result else 0
                    if held >= self.series:
                        break
                    if asyncio.get_running_loop().time() > deadline:
                        raise RuntimeError(f"{member.side.name} holds {held} of {self.series} series")
                    await asyncio.sleep(1)


async def start_pair(
    stack: AsyncExitStack, folder: Path, *, series: int, scrape_s: float, evaluate_s: float, keep_s: float | None = None
) -> Pair:
    """Start targets and both sides without rules; ours keeps everything, for `keep_s`."""
    targets = await start_targets(stack, folder, max(1, series // SERIES))
    times = {"scrape_interval": f"{scrape_s:g}s", "evaluation_interval": f"{evaluate_s:g}s"}
    jobs = scrape_configs(targets)
    theirs = await _start_prometheus(stack, folder, times, jobs)
    evaluator: dict[str, object] = {
        "global": times,
        "scrape_configs": jobs,
        "retain": "all",
        "max_series": 2_000_000,
    }
    if keep_s is not None:
        evaluator["retention"] = f"{keep_s:g}s"
    routing = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
    sides = await start_tocsin(stack, folder, evaluator=evaluator, rules=NO_RULES, routing=routing)
    home = folder / "tocsin"
    listen = yaml.safe_load((home / "tocsin.yml").read_text())["evaluator"]["listen"]
    token = next(home.rglob("*token*")).read_text().strip()
    ours = Member(sides[-1], f"http://{listen}", home / "rules.yml", {"Authorization": f"Bearer {token}"}, _OUR_COUNTER)
    return Pair(ours, theirs, len(targets) * SERIES, jobs)


async def _start_prometheus(
    stack: AsyncExitStack, folder: Path, times: Mapping[str, str], jobs: list[dict[str, object]]
) -> Member:
    home = folder / "prometheus"
    home.mkdir()
    rules = home / "rules.yml"
    rules.write_text(yaml.safe_dump(NO_RULES))
    config = {"global": dict(times), "rule_files": ["rules.yml"], "scrape_configs": jobs}
    (home / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port(HOST)
    side = start(
        stack,
        "prometheus",
        [peer("prometheus", "prometheus"), f"--web.listen-address={HOST}:{port}",
         f"--storage.tsdb.path={home / 'tsdb'}", "--config.file=prometheus.yml", "--log.level=warn"],
        home,
    )  # fmt: skip
    url = f"http://{HOST}:{port}"
    await wait_ready(side, f"{url}/-/ready")
    return Member(side, url, rules, {}, _THEIR_COUNTER)


async def cpu_over(members: tuple[Member, ...], seconds: float) -> list[float]:
    """Return the CPU seconds that each side takes in a stretch of time."""
    before = [member.side.cpu_seconds() for member in members]
    await asyncio.sleep(seconds)
    return [member.side.cpu_seconds() - start for member, start in zip(members, before, strict=True)]
