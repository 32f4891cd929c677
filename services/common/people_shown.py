"""Who can be told and who is on call, as the notifier tells it by HTTP: `GET /api/v1/people`."""

from typing import Literal

from services.common.people import ChosenQuietHours, ChosenRateLimit, Wire

PEOPLE_PATH = "/api/v1/people"
REFRESH_PATH = "/api/v1/people/refresh"
TEST_PATH = "/api/v1/notifications/test"


class ShownChannel(Wire):
    """One of a contact's channels."""

    integration: str
    """Its name among the contact's channels: `email/0`."""
    channel: str
    recipients: tuple[str, ...]
    severities: tuple[str, ...]


class HowTold(Wire):
    """How somebody is told: by which channels in their order, when not, and how much at once."""

    channels: tuple[ShownChannel, ...]
    deliver: Literal["first", "all"]
    quiet_hours: tuple[ChosenQuietHours, ...]
    rate_limit: ChosenRateLimit | None


class ShownContact(Wire):
    """Somebody who can be told."""

    name: str
    title: str
    """The whole name, "" where the file has none."""
    place: str
    """`file:line`."""
    fallback_after: float
    """Seconds after which a channel that fails is left for the next."""
    file: HowTold
    """As the file has it."""
    now: HowTold
    """As it is in force: the file with their own choice on top."""
    warnings: tuple[str, ...]
    """What would not reach them, and why a choice is not followed."""


class Shift(Wire):
    """A stretch of time in which the same people are on call; nobody: a gap."""

    begin: float
    end: float
    people: tuple[str, ...]


class ShownRotation(Wire):
    """Members who hand the duty over to each other."""

    name: str
    members: tuple[str, ...]
    every: float
    """Seconds of a turn."""
    starts: str
    """The first hand-over, local time."""


class ShownOverride(Wire):
    """One of a schedule's overrides, from the file or agreed on the page."""

    id: str
    """What it is ended by; `file-0` for those of the file, which are ended there."""
    contact: str | None
    """Who takes over; null: nobody is on call."""
    instead_of: str | None
    starts_at: float
    ends_at: float


class ShownSchedule(Wire):
    """Who has the duty when."""

    name: str
    time_zone: str
    place: str
    on_call: tuple[str, ...]
    rotations: tuple[ShownRotation, ...]
    overrides: tuple[ShownOverride, ...]
    """Those that are not over."""
    shifts: tuple[Shift, ...]
    """From this week's Monday, five weeks."""
    weeks: tuple[float, ...]
    """When each of these weeks begins in the schedule's zone, and when the last one ends."""
    gaps_wanted: bool
    """That nobody is on call at times is meant so."""
    feed: str
    """Path of the calendar feed, with its token."""
    warnings: tuple[str, ...]


class ShownTarget(Wire):
    """Whom a step names."""

    kind: Literal["contact", "schedule", "receiver"]
    name: str


class ShownStep(Wire):
    """One step of a policy."""

    notify: tuple[ShownTarget, ...]
    channels: tuple[str, ...]
    wait: float
    """Seconds until the next step, when nobody acknowledges."""
    reaches: tuple[ShownTarget, ...]
    """Contacts and receivers that it means now."""


class ShownPolicy(Wire):
    """Who is told when nobody answers."""

    name: str
    place: str
    repeat: int
    steps: tuple[ShownStep, ...]
    warnings: tuple[str, ...]


class People(Wire):
    """Everybody of the configuration in force."""

    at: float
    contacts: tuple[ShownContact, ...]
    schedules: tuple[ShownSchedule, ...]
    policies: tuple[ShownPolicy, ...]
    receivers: tuple[str, ...]
    ignored_overrides: dict[str, str]
    """Why takeovers that were agreed on the page are not followed, by id."""


class TrialRequest(Wire):
    """To whom a test message goes: one of both."""

    contact: str = ""
    receiver: str = ""
    by: str


class TrialResult(Wire):
    """One way by which a test message was sent, and what became of it."""

    receiver: str
    """Whose way it is: a receiver's name, or `contact:anna`."""
    channel: str
    """`email/0`."""
    recipient: str
    ok: bool
    seconds: float
    answer: str
    """What the provider said: its message's id, or why it was refused."""


class TrialResults(Wire):
    """What became of each way; none: there was no way."""

    results: tuple[TrialResult, ...]
