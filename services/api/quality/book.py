"""The latest audit as it is known now: for answers and for `/metrics`."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.api.quality.model import Audit, FoundThing, ItemScore, KnownVulnerability, PartScore, Quality
from services.api.quality.parsers.pip_audit import version_key
from services.api.quality.report import ORDER, Report, Risk, Vulnerability
from services.api.quality.score import PARTS, RISKS, Scores
from services.api.quality.settings import QualitySettings
from services.api.quality.store import QualityStore
from services.common.clock import Clock

REFRESH = 15.0
STALE_AFTER = 120.0
MOST_SERIES = 200
_FINDINGS = 100
_KEPT_AUDITS = 4
_HOUR = 3600.0


@dataclass(frozen=True)
class _Latest:
    audits: tuple[Audit, ...]
    vulnerabilities: tuple[Vulnerability, ...]


class QualityBook(Collector):
    """Answers from the store; the series are those of the configured branch, read every 15 seconds."""

    def __init__(self, store: QualityStore, settings: QualitySettings, clock: Clock) -> None:
        self.store, self.settings, self._clock = store, settings, clock
        self.parsing = asyncio.Semaphore(1)
        """Large reports are held in memory one at a time."""
        self._latest = _Latest((), ())
        self._kept: dict[int, tuple[list[Report], Scores]] = {}
        self._read_at = float("-inf")
        self._forgot_at = float("-inf")

    async def round(self) -> None:
        """Read the latest audit, once an hour forget old ones, then wait; raises StorageUnavailableError."""
        await self.refresh()
        if self._clock.monotonic() - self._forgot_at > _HOUR:
            await self.store.forget(self.settings.keep)
            self._forgot_at = self._clock.monotonic()
        await self._clock.sleep(REFRESH)

    async def refresh(self) -> None:
        """Read the latest audit of the configured branch anew; raises StorageUnavailableError."""
        audits = (await self.store.trend(self.settings.branch))[:2]
        holes, _ = await self.store.vulnerabilities(self.settings.branch)
        self._latest = _Latest(tuple(audits), tuple(holes))
        self._read_at = self._clock.now()

    async def quality(self, branch: str) -> Quality:
        """Return the latest audit of a branch; raises StorageUnavailableError."""
        chosen = branch or self.settings.branch
        audits = await self.store.trend(chosen)
        branches = await self.store.branches()
        common = {"at": self._clock.now(), "branch": chosen, "branches": branches}
        can_run = bool(self.settings.audit_command)
        if not audits:
            return Quality(
                **common, audit=None, overall_change=None, parts=[], items=[], trend=[], findings=[], found={},
                vulnerabilities=[], vulnerabilities_at=None, can_run=can_run,
            )  # fmt: skip
        latest, before = audits[0], audits[1] if len(audits) > 1 else None
        reports, scores = await self._reports(latest)
        holes, holes_at = await self.store.vulnerabilities(chosen)
        return Quality(
            **common,
            audit=latest,
            overall_change=_change(latest, before, "overall"),
            parts=[
                PartScore(
                    key=part,
                    score=getattr(latest, part),
                    change=_change(latest, before, part),
                    missing=list(scores.missing[part]),
                )
                for part in PARTS
            ],
            items=_items(scores),
            trend=audits[::-1],
            findings=_findings(reports)[:_FINDINGS],
            found=dict(sum((Counter(one.counts) for one in reports), Counter())),
            vulnerabilities=_vulnerabilities(holes),
            vulnerabilities_at=holes_at,
            can_run=can_run,
        )

    async def _reports(self, audit: Audit) -> tuple[list[Report], Scores]:
        # A finished audit changes no more, and its reports are large.
        if audit.id not in self._kept:
            if len(self._kept) >= _KEPT_AUDITS:
                del self._kept[next(iter(self._kept))]
            self._kept[audit.id] = await self.store.reports(audit)
        return self._kept[audit.id]

    def collect(self) -> Iterator[Metric]:
        """Return the series of the configured branch's latest audit, none where it is not known now."""
        scores = GaugeMetricFamily("tocsin_quality_score", "Score of the latest audit, 0 to 10.", labels=["part"])
        changes = GaugeMetricFamily(
            "tocsin_quality_score_change", "Score of the latest audit less that of the one before.", labels=["part"]
        )
        at = GaugeMetricFamily("tocsin_quality_audit_timestamp_seconds", "When the latest audit was made.")
        holes = GaugeMetricFamily(
            "tocsin_quality_vulnerabilities",
            "Known vulnerabilities of an installed package; fixed_version mends all that can be mended.",
            labels=["package", "installed", "fixed_version", "severity"],
        )
        left_out = GaugeMetricFamily(
            "tocsin_quality_vulnerable_packages_left_out", f"Vulnerable packages beyond the first {MOST_SERIES}."
        )
        if self._clock.now() - self._read_at <= STALE_AFTER and self._latest.audits:
            latest, *before = self._latest.audits
            for part in ("overall", *PARTS):
                _add(scores, part, getattr(latest, part))
                _add(changes, part, _change(latest, before[0] if before else None, part))
            at.add_metric([], latest.at)
            packages = by_package(self._latest.vulnerabilities)
            for labels, count in packages[:MOST_SERIES]:
                holes.add_metric(labels, count)
            left_out.add_metric([], max(0, len(packages) - MOST_SERIES))
        yield from (scores, changes, at, holes, left_out)


def _add(family: GaugeMetricFamily, part: str, value: float | None) -> None:
    if value is not None:
        family.add_metric([part], value)


def _change(latest: Audit, before: Audit | None, part: str) -> float | None:
    now, then = getattr(latest, part), None if before is None else getattr(before, part)
    return None if now is None or then is None else now - then


def _items(scores: Scores) -> list[ItemScore]:
    return [
        ItemScore(
            key=one.item.key,
            part=one.item.part,
            needs=one.item.needs,
            score=one.score,
            measure=one.measure,
            lost=one.lost,
        )
        for one in sorted(scores.items, key=lambda one: -one.lost)
    ]


def _findings(reports: Sequence[Report]) -> list[FoundThing]:
    found = [
        FoundThing(
            kind=report.kind,
            tool=report.tool,
            severity=one.severity,
            rule=one.rule,
            message=one.message,
            file=one.file,
            line=one.line,
        )
        for report in reports
        for one in report.findings
    ]
    return sorted(found, key=lambda one: (ORDER[one.severity], one.kind, one.file, one.line))


def _vulnerabilities(holes: Sequence[Vulnerability]) -> list[KnownVulnerability]:
    worst_first = sorted(holes, key=lambda one: (-RISKS[one.severity], one.package, one.id))
    return [KnownVulnerability(**asdict(hole)) for hole in worst_first]


def by_package(holes: Sequence[Vulnerability]) -> list[tuple[tuple[str, str, str, Risk], int]]:
    """Return labels and number of holes of each package and version, the gravest first: one alert each.

    `fixed_version` is the highest of the versions that mend one hole, so that it mends all that can be mended.
    """
    grouped: dict[tuple[str, str], list[Vulnerability]] = {}
    for hole in holes:
        grouped.setdefault((hole.package, hole.installed), []).append(hole)
    found = []
    for (package, installed), ones in grouped.items():
        fixed = max((one.fixed_version for one in ones if one.fixed_version), key=version_key, default="")
        worst = max((one.severity for one in ones), key=lambda risk: RISKS[risk])
        found.append(((package, installed, fixed, worst), len(ones)))
    return sorted(found, key=lambda one: (-RISKS[one[0][3]], one[0]))
