"""When a task is to be done next; pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.api.checks.schedule import Schedule

Cadence: TypeAlias = Literal["daily", "weekly", "monthly", "cron"]
State: TypeAlias = Literal["waiting", "due", "overdue", "unknown"]
# When a day, a week (from Monday) and a month begin.
_PERIODS = {"daily": "0 0 * * *", "weekly": "0 0 * * 1", "monthly": "0 0 1 * *"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Once in every day, week or month of the time zone, or at the times of five cron fields."""

    cadence: Cadence
    cron: str = ""
    timezone: str = "UTC"

    @property
    def by_calendar(self) -> bool:
        """Whether any time within the day, week or month is good."""
        return self.cadence != "cron"

    def next_after(self, at: float) -> float:
        """Return the first time after `at` at which a new turn begins."""
        return Schedule(None, _PERIODS.get(self.cadence, self.cron), self.timezone).next_after(at)


@dataclass(frozen=True, slots=True)
class Turn:
    """The next turn: from when it may be done, until when it should be, and how it stands (never unknown here)."""

    opens_at: float
    due_at: float
    state: State


def judge(plan: Plan, grace: float, done_at: float | None, created_at: float, now: float) -> Turn:
    """Return the turn that is to be done next.

    One day, week or month is one turn: done once in it, the next one opens with the next and is due at that one's
    end. By cron a turn opens when it is due. A task that was never done has its first turn from its making on.
    Overdue is what is not done `grace` seconds after it was due.
    """
    if done_at is None:
        opens = created_at if plan.by_calendar else plan.next_after(created_at)
    else:
        opens = plan.next_after(done_at)
    due = plan.next_after(opens) if plan.by_calendar else opens
    if now < opens:
        return Turn(opens, due, "waiting")
    return Turn(opens, due, "overdue" if now > due + grace else "due")
