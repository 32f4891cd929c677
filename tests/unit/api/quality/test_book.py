"""The series of the latest audit."""

from prometheus_client import CollectorRegistry, generate_latest

from services.api.quality import book as book_module
from services.api.quality.book import STALE_AFTER, QualityBook, by_package
from services.api.quality.model import Audit
from services.api.quality.report import Vulnerability
from services.api.quality.settings import QualitySettings
from services.common.testing.clock import ManualClock

PARTS = {"architecture": 8.0, "security": 5.0, "performance": None, "testing": 9.0}


def audit(number, **scores):
    return Audit(
        id=number, commit=f"c{number}", branch="main", at=100.0 + number, lines=1000, created_by="ci",
        finished_at=200.0, overall=None, **(PARTS | scores),
    )  # fmt: skip


class Shelf:
    """A store in memory."""

    def __init__(self, *audits, holes=()):
        self.audits, self.holes, self.forgot = audits, holes, []

    async def trend(self, branch):
        return list(self.audits) if branch == "main" else []

    async def vulnerabilities(self, branch):
        return (self.holes, 100.0) if branch == "main" else ((), None)

    async def forget(self, keep):
        self.forgot.append(keep)


def series(book):
    registry = CollectorRegistry()
    registry.register(book)
    lines = generate_latest(registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


async def test_series_are_the_latest_audits_and_end_when_it_is_not_read():
    holes = [Vulnerability("flask", "0.5", "1.0", "A"), Vulnerability("flask", "0.5", "0.12.3", "B")]
    clock = ManualClock(1000.0)
    book = QualityBook(Shelf(audit(2, security=3.5), audit(1), holes=holes), QualitySettings(), clock)
    assert series(book) == {}
    await book.refresh()
    assert series(book) == {
        'tocsin_quality_score{part="architecture"}': 8,
        'tocsin_quality_score{part="security"}': 3.5,
        'tocsin_quality_score{part="testing"}': 9,
        'tocsin_quality_score_change{part="architecture"}': 0,
        'tocsin_quality_score_change{part="security"}': -1.5,
        'tocsin_quality_score_change{part="testing"}': 0,
        "tocsin_quality_audit_timestamp_seconds": 102,
        'tocsin_quality_vulnerabilities{fixed_version="1.0",installed="0.5",package="flask",severity="unknown"}': 2,
        "tocsin_quality_vulnerable_packages_left_out": 0,
    }
    await clock.advance(STALE_AFTER + 1)
    assert series(book) == {}


async def test_the_first_audit_has_no_change_and_another_branch_no_series():
    clock = ManualClock(1000.0)
    book = QualityBook(Shelf(audit(1)), QualitySettings(), clock)
    await book.refresh()
    assert not [name for name in series(book) if "change" in name]
    other = QualityBook(Shelf(audit(1)), QualitySettings(branch="next"), clock)
    await other.refresh()
    assert series(other) == {}


async def test_packages_are_bounded_and_the_gravest_are_told(monkeypatch):
    monkeypatch.setattr(book_module, "MOST_SERIES", 2)
    holes = [Vulnerability(name, "1", "", name, risk) for name, risk in (("a", "low"), ("b", "high"), ("c", "unknown"))]
    book = QualityBook(Shelf(audit(1), holes=holes), QualitySettings(), ManualClock(1000.0))
    await book.refresh()
    found = series(book)
    assert [name.partition('package="')[2][0] for name in found if "vulnerabilities" in name] == ["b", "c"]
    assert found["tocsin_quality_vulnerable_packages_left_out"] == 1


def test_one_version_mends_all_holes_of_a_package():
    holes = [
        Vulnerability("a", "1", fixed, fixed, risk) for fixed, risk in (("1.9", "low"), ("1.10", "high"), ("", "low"))
    ]
    assert by_package([*holes, Vulnerability("a", "2", "", "X", "low")]) == [
        (("a", "1", "1.10", "high"), 3),
        (("a", "2", "", "low"), 1),
    ]


async def test_old_audits_are_forgotten_once_an_hour():
    class Patient(ManualClock):
        async def sleep(self, seconds):
            self.waited = seconds

    clock, shelf = Patient(1000.0), Shelf()
    book = QualityBook(shelf, QualitySettings(keep="30d"), clock)
    await book.round()
    await book.round()
    assert (shelf.forgot, clock.waited) == ([30 * 86_400.0], book_module.REFRESH)
    await clock.advance(3601)
    await book.round()
    assert len(shelf.forgot) == 2
