"""What the routes about people take and answer."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from services.api.model import Answer, Body
from services.api.silences.matching import Text
from services.common.people import ContactName, Moment, Preference
from services.common.people_shown import (
    HowTold,
    Shift,
    ShownContact,
    ShownPolicy,
    ShownRotation,
    TrialResult,
)

ReceiverName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
WarningKind: TypeAlias = Literal["contact", "schedule", "policy"]


class ContactQuery(Body):
    """Whose preferences; left out: my own."""

    contact: ContactName | None = None


class PreferenceBody(Preference, Body):
    """What somebody chooses; all of it null goes back to what the file says."""


class Preferences(Answer):
    """How somebody is told: what the file says, what they have chosen, and what is in force."""

    contact: str
    """Which contact the login is."""
    known: bool
    """False: the notifier's file has no such contact, so nothing can be chosen."""
    title: str
    chosen: Preference
    file: HowTold | None
    now: HowTold | None
    warnings: tuple[str, ...]
    updated_by: str | None
    updated_at: float | None
    pending: str
    """Why the choice is kept but not in force yet; "" when it is."""


class ContactLogin(Answer):
    """A login that is a contact."""

    id: int
    username: str
    given: bool
    """True: an admin said so; false: they have the same name."""


class Contact(ShownContact):
    """Somebody who can be told, and whose login it is."""

    logins: tuple[ContactLogin, ...]
    mine: bool


class Contacts(Answer):
    """Everybody of the notifier's file, in its order."""

    contacts: tuple[Contact, ...]
    receivers: tuple[str, ...]


class UserContactBody(Body):
    """Which contact a login is; null: the one of the same name."""

    contact: ContactName | None


class UserContact(Answer):
    """Which contact a login is now."""

    username: str
    contact: str


class Override(Answer):
    """Somebody takes over for a while."""

    id: str
    """Those of the file have none that can be ended here: `file-0`."""
    contact: str | None
    """Who takes over; null: nobody is on call."""
    instead_of: str | None
    """From whom; null: from all who have the duty then."""
    starts_at: float
    ends_at: float
    created_by: str
    """"" for those of the file."""
    comment: str
    ignored: str
    """Why the notifier does not follow it, or not yet; "" when it does."""
    removable: bool
    """Whether you may end it here."""


class Schedule(Answer):
    """Who has the duty when."""

    name: str
    time_zone: str
    place: str
    on_call: tuple[str, ...]
    rotations: tuple[ShownRotation, ...]
    overrides: tuple[Override, ...]
    shifts: tuple[Shift, ...]
    """From this week's Monday (in its zone), five weeks; without people: a gap."""
    weeks: tuple[float, ...]
    """When each of these weeks begins, and when the last one ends."""
    gaps_wanted: bool
    """That nobody is on call at times is meant so."""
    feed: str
    """Path of the calendar feed with its token, for calendar programs."""
    warnings: tuple[str, ...]


class Schedules(Answer):
    """All schedules, in the file's order."""

    schedules: tuple[Schedule, ...]


class Policies(Answer):
    """All escalation policies, in the file's order."""

    policies: tuple[ShownPolicy, ...]


class OverrideBody(Body):
    """I take over, or an admin says who does."""

    contact: ContactName | None = None
    """Who takes over; null: you."""
    instead_of: ContactName | None = None
    starts_at: Moment
    ends_at: Moment
    comment: Text = ""


class OverrideMade(Answer):
    """A takeover that was agreed."""

    id: str
    schedule: str
    contact: str
    instead_of: str | None
    starts_at: float
    ends_at: float
    comment: str
    created_by: str
    created_at: float
    pending: str
    """Why it is kept but not in force yet; "" when it is."""


class DutyNow(Answer):
    """Who has one schedule's duty now, and who has it next."""

    name: str
    people: tuple[str, ...]
    until: float | None
    """When that changes; null: not within five weeks."""
    next: tuple[str, ...]
    """Who has it then; nobody: a gap."""
    gap: bool
    """Nobody has it, and that is not meant so."""


class FirstTold(Answer):
    """Whom a policy's first step tells now."""

    name: str
    people: tuple[str, ...]
    receivers: tuple[str, ...]


class OnCallWarning(Answer):
    """What would reach nobody."""

    kind: WarningKind
    name: str
    text: str
    place: str


class OnCall(Answer):
    """Who is on call now."""

    at: float
    contact: str
    """Your own; there may be none of that name."""
    contact_known: bool
    configured: bool
    """False: the notifier's file has no contacts, so there is nobody to be on call."""
    schedules: tuple[DutyNow, ...]
    policies: tuple[FirstTold, ...]
    titles: dict[str, str]
    """Whole names of contacts that have one."""
    warnings: tuple[OnCallWarning, ...]


class TestBody(Body):
    """To whom a test message goes; neither: to you."""

    contact: ContactName | None = None
    receiver: ReceiverName | None = None


class TestAnswer(Answer):
    """What became of each way; none: there is no way to tell them."""

    results: tuple[TrialResult, ...]
