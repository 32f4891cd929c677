"""What people are shown of the notifier's answer. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence

from services.api.auth.identity import Identity
from services.api.oncall.model import (
    Contact,
    ContactLogin,
    DutyNow,
    FirstTold,
    OnCall,
    OnCallWarning,
    Override,
    Schedule,
)
from services.api.oncall.store import Agreed, Login
from services.api.roles import allows
from services.common.people_shown import HowTold, People, ShownContact, ShownOverride, ShownSchedule

NOT_YET = "The notifier has not taken it yet."
_NUMBER = re.compile(r"\+?[0-9][0-9 ()./-]{4,}")
_HEAD, _TAIL = 3, 2


def masked(text: str) -> str:
    """Return a phone number with most of its digits hidden; anything else as it is."""
    found = _NUMBER.fullmatch(text.removeprefix("whatsapp:"))
    if found is None:
        return text
    number = found[0]
    return f"{number[:_HEAD]}{'•' * max(1, len(number) - _HEAD - _TAIL)}{number[-_TAIL:]}"


def mask(how: HowTold) -> HowTold:
    """Return how somebody is told, for eyes that need not know the numbers."""
    hidden = tuple(
        one.model_copy(update={"recipients": tuple(masked(text) for text in one.recipients)}) for one in how.channels
    )
    return how.model_copy(update={"channels": hidden})


def contacts(people: People, logins: Sequence[Login], own: str, identity: Identity) -> tuple[Contact, ...]:
    """Return all contacts; a viewer sees numbers of others masked, and only an admin the logins."""
    return tuple(_contact(one, logins, own, identity) for one in people.contacts)


def _contact(one: ShownContact, logins: Sequence[Login], own: str, identity: Identity) -> Contact:
    mine = one.name == own
    hide = not mine and not allows(identity.role, "operator")
    theirs = [login for login in logins if (login.contact or login.username) == one.name]
    return Contact(
        name=one.name, title=one.title, place=one.place, fallback_after=one.fallback_after,
        file=mask(one.file) if hide else one.file, now=mask(one.now) if hide else one.now, warnings=one.warnings,
        logins=tuple(
            ContactLogin(id=login.id, username=login.username, given=login.contact is not None) for login in theirs
        ) if identity.role == "admin" else (),
        mine=mine,
    )  # fmt: skip


def schedule(
    one: ShownSchedule, agreed: Iterable[Agreed], ignored: Mapping[str, str], own: str, identity: Identity
) -> Schedule:
    """Return a schedule with what is known here of its takeovers, also those that the notifier does not follow."""
    known = {each.id: each for each in agreed if each.takeover.schedule == one.name}
    found = [_override(each, known.get(each.id), own, identity) for each in one.overrides]
    shown = {each.id for each in one.overrides}
    for each in known.values():
        if each.id not in shown:
            made = ShownOverride.model_validate({**each.takeover.model_dump(exclude={"schedule"}), "id": each.id})
            lost = _override(made, each, own, identity)
            found.append(lost.model_copy(update={"ignored": ignored.get(each.id) or NOT_YET}))
    return Schedule(
        name=one.name, time_zone=one.time_zone, place=one.place, on_call=one.on_call, rotations=one.rotations,
        overrides=tuple(sorted(found, key=lambda each: (each.starts_at, each.id))), shifts=one.shifts,
        weeks=one.weeks, gaps_wanted=one.gaps_wanted, feed=one.feed, warnings=one.warnings,
    )  # fmt: skip


def _override(one: ShownOverride, agreed: Agreed | None, own: str, identity: Identity) -> Override:
    return Override(
        id=one.id, contact=one.contact, instead_of=one.instead_of, starts_at=one.starts_at, ends_at=one.ends_at,
        created_by=agreed.created_by if agreed else "", comment=agreed.comment if agreed else "", ignored="",
        removable=agreed is not None and may_end(agreed, own, identity),
    )  # fmt: skip


def may_end(agreed: Agreed, own: str, identity: Identity) -> bool:
    """Tell whether somebody may end a takeover: those whom it is about, who made it, and admins."""
    if identity.role == "admin":
        return True
    about = {agreed.takeover.contact, agreed.takeover.instead_of}
    return allows(identity.role, "operator") and (own in about or agreed.created_by == identity.username)


def on_call(people: People, own: str) -> OnCall:
    """Return who is on call now."""
    titles = {one.name: one.title for one in people.contacts if one.title}
    first = [
        FirstTold(
            name=one.name,
            people=tuple(each.name for each in one.steps[0].reaches if each.kind == "contact"),
            receivers=tuple(each.name for each in one.steps[0].reaches if each.kind == "receiver"),
        )
        for one in people.policies
        if one.steps
    ]
    return OnCall(
        at=people.at, contact=own, contact_known=any(one.name == own for one in people.contacts),
        configured=bool(people.contacts), schedules=tuple(_duty(one, people.at) for one in people.schedules),
        policies=tuple(first), titles=titles, warnings=tuple(_warnings(people)),
    )  # fmt: skip


def _duty(one: ShownSchedule, now: float) -> DutyNow:
    index = next((number for number, shift in enumerate(one.shifts) if shift.begin <= now < shift.end), None)
    after = one.shifts[index + 1] if index is not None and index + 1 < len(one.shifts) else None
    return DutyNow(
        name=one.name,
        people=one.on_call,
        until=after.begin if after else None,
        next=after.people if after else (),
        gap=not one.on_call and not one.gaps_wanted,
    )


def _warnings(people: People) -> Iterable[OnCallWarning]:
    for policy in people.policies:
        for text in policy.warnings:
            yield OnCallWarning(kind="policy", name=policy.name, text=text, place=policy.place)
    for rota in people.schedules:
        for text in rota.warnings:
            yield OnCallWarning(kind="schedule", name=rota.name, text=text, place=rota.place)
    for contact in people.contacts:
        for text in contact.warnings:
            yield OnCallWarning(kind="contact", name=contact.name, text=text, place=contact.place)
