"""What speaks against a choice or a takeover; the first mistake, with what to do. Pure."""

from services.api.problem import ProblemError
from services.common.people import Preference, Takeover
from services.common.people_shown import People, ShownContact, ShownSchedule

MOST_AHEAD = 366 * 86_400.0


def check_preference(chosen: Preference, contact: ShownContact) -> None:
    """Raise ProblemError 400 for a channel that the file does not have, or that is chosen twice."""
    known = [one.integration for one in contact.file.channels]
    used: set[str] = set()
    for index, choice in enumerate(chosen.channels or ()):
        meant = {one.integration for one in contact.file.channels if choice.channel in (one.integration, one.channel)}
        if not meant:
            raise ProblemError(
                400,
                "unknown-channel",
                f"channels.{index}.channel: {contact.name} has no channel {choice.channel!r}.",
                f"{contact.place} gives: {', '.join(known) or 'none'}. Take one of these, or add the channel there.",
            )
        if meant & used:
            raise ProblemError(
                400,
                "channel-twice",
                f"channels.{index}.channel: {choice.channel!r} is chosen already.",
                "Name each channel once, in the order in which they should be tried.",
            )
        used |= meant


def contact_of(people: People, name: str) -> ShownContact | None:
    """Return the contact of that name."""
    return next((one for one in people.contacts if one.name == name), None)


def schedule_of(people: People, name: str) -> ShownSchedule:
    """Return the schedule of that name; raises ProblemError 404."""
    found = next((one for one in people.schedules if one.name == name), None)
    if found is None:
        raise ProblemError(404, "unknown-schedule", "There is no such schedule.", "Take a name of GET schedules.")
    return found


def check_takeover(one: Takeover, people: People, now: float) -> None:
    """Raise ProblemError 400 or 404 for a takeover that could not be followed."""
    schedule = schedule_of(people, one.schedule)
    for field in ("contact", "instead_of"):
        name = getattr(one, field)
        if name is not None and contact_of(people, name) is None:
            known = ", ".join(each.name for each in people.contacts) or "none"
            raise ProblemError(400, "unknown-contact", f"{field}: there is no {name!r}.", f"Contacts are: {known}.")
    if one.contact == one.instead_of:
        raise ProblemError(400, "same-person", "instead_of: nobody takes over from themselves.", "Name somebody else.")
    if one.ends_at <= now:
        raise ProblemError(400, "in-the-past", "ends_at: that time is over.", "Take a time that is to come.")
    if one.ends_at > now + MOST_AHEAD:
        raise ProblemError(400, "too-far", "ends_at: that is more than a year ahead.", "Take a nearer time.")
    if one.instead_of is not None and _has_no_duty(one, schedule, one.instead_of):
        raise ProblemError(
            400,
            "no-duty",
            f"instead_of: {one.instead_of} has no duty of {one.schedule} in that time.",
            "Look at the schedule for who has, or leave instead_of out to take over from whoever has the duty.",
        )


def _has_no_duty(one: Takeover, schedule: ShownSchedule, name: str) -> bool:
    if not schedule.shifts or one.ends_at > schedule.shifts[-1].end:
        # Past what was told: nobody knows yet.
        return False
    return not any(
        name in shift.people and shift.begin < one.ends_at and one.starts_at < shift.end for shift in schedule.shifts
    )
