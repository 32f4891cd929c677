"""What people may ask and change about who is told: their own choices, takeovers, test messages."""

import math
import uuid

import structlog

from services.api.auth.identity import Identity
from services.api.oncall import view
from services.api.oncall.choices import check_preference, check_takeover, contact_of, schedule_of
from services.api.oncall.delivery import OnCallDelivery, RedisAwayError
from services.api.oncall.model import (
    Contacts,
    OnCall,
    OverrideBody,
    OverrideMade,
    Preferences,
    Schedules,
    TestAnswer,
    TestBody,
    UserContact,
)
from services.api.oncall.reader import PeopleReader
from services.api.oncall.store import MOST_OVERRIDES, Agreed, Login, OnCallStore, TooManyOverridesError
from services.api.problem import ProblemError
from services.api.rate import Buckets
from services.api.roles import allows
from services.common.clock import Clock
from services.common.people import Preference, Takeover
from services.common.people_shown import People, ShownContact, TrialRequest
from services.common.storage import StorageUnavailableError

_TESTS_AT_ONCE, _SECONDS_A_TEST = 5, 60.0
log = structlog.get_logger(__name__)


class OnCallBook:
    """The notifier says who there is; what is chosen here is kept in Postgres and given to it by way of Redis."""

    def __init__(self, reader: PeopleReader, store: OnCallStore, delivery: OnCallDelivery, clock: Clock) -> None:
        self._reader, self._store, self._clock = reader, store, clock
        self.delivery = delivery
        self._tests = Buckets(1 / _SECONDS_A_TEST, _TESTS_AT_ONCE)

    async def own_contact(self, identity: Identity) -> str:
        """Return which contact somebody is; there may be none of that name."""
        try:
            return await self._store.contact_of(identity.username) or identity.username
        except StorageUnavailableError:
            # Who is on call must be known also then; an admin's mapping is not.
            return identity.username

    async def on_call(self, identity: Identity) -> OnCall:
        """Return who is on call now; raises ProblemError 503."""
        return view.on_call(await self._reader.people(), await self.own_contact(identity))

    async def contacts(self, identity: Identity) -> Contacts:
        """Return all contacts; raises ProblemError 503."""
        people, own = await self._reader.people(), await self.own_contact(identity)
        shown = view.contacts(people, await self._logins(), own, identity)
        return Contacts(contacts=shown, receivers=people.receivers)

    async def people(self) -> People:
        """Return what the notifier tells; raises ProblemError 503."""
        return await self._reader.people()

    async def schedules(self, identity: Identity) -> Schedules:
        """Return all schedules with their takeovers; raises ProblemError 503."""
        people, own = await self._reader.people(), await self.own_contact(identity)
        agreed = await self._agreed()
        return Schedules(schedules=tuple(
            view.schedule(one, agreed, people.ignored_overrides, own, identity) for one in people.schedules
        ))  # fmt: skip

    async def preferences(self, name: str | None, identity: Identity) -> Preferences:
        """Return somebody's choice beside the file's; raises ProblemError 403 or 503."""
        contact = await self._whose(name, identity)
        return await self._shown(contact, await self._reader.people(), "")

    async def choose(self, name: str | None, chosen: Preference, identity: Identity) -> Preferences:
        """Keep somebody's choice and let it come into force; raises ProblemError 400, 403, 404 or 503."""
        contact = await self._whose(name, identity)
        people = await self._reader.people()
        known = contact_of(people, contact)
        if known is None:
            raise _no_contact(contact, people)
        check_preference(chosen, known)
        await self._store.put_preference(contact, chosen, identity.username)
        people, pending = await self._in_force(people)
        return await self._shown(contact, people, pending)

    async def take_over(self, schedule: str, body: OverrideBody, identity: Identity) -> OverrideMade:
        """Agree that somebody takes a duty over; raises ProblemError 400, 403, 404, 409 or 503."""
        people, own = await self._reader.people(), await self.own_contact(identity)
        schedule_of(people, schedule)
        if body.contact not in {None, own} and not allows(identity.role, "admin"):
            raise ProblemError(
                403,
                "not-yours",
                f"Only {body.contact} or an admin may say that {body.contact} takes over.",
                "Take over yourself, or ask them to do it on their page.",
            )
        if body.starts_at >= body.ends_at:
            raise ProblemError(400, "wrong-order", "ends_at: the end is not after the begin.", "Swap or correct them.")
        takeover = Takeover(
            schedule=schedule, contact=body.contact or own, instead_of=body.instead_of,
            starts_at=body.starts_at, ends_at=body.ends_at,
        )  # fmt: skip
        check_takeover(takeover, people, self._clock.now())
        try:
            made = await self._store.add_override(str(uuid.uuid4()), takeover, body.comment, identity.username)
        except TooManyOverridesError as error:
            raise ProblemError(
                409, "too-many-overrides", f"There are {MOST_OVERRIDES} takeovers already.", "End some of them."
            ) from error
        people, pending = await self._in_force(people)
        ignored = people.ignored_overrides.get(made.id, "")
        return OverrideMade(
            id=made.id, comment=made.comment, created_by=made.created_by, created_at=made.created_at,
            pending=pending or ignored, **takeover.model_dump(),
        )  # fmt: skip

    async def give_back(self, schedule: str, override_id: str, identity: Identity) -> None:
        """End a takeover; raises ProblemError 403, 404, 409 (it is the file's) or 503."""
        people = await self._reader.people()
        known = schedule_of(people, schedule)
        if override_id.startswith("file-") and any(one.id == override_id for one in known.overrides):
            raise read_only("override", known.place)
        agreed = await self._store.overrides()
        found = next((one for one in agreed if one.id == override_id and one.takeover.schedule == schedule), None)
        if found is None:
            raise ProblemError(404, "unknown-override", "There is no such takeover.", "Take an id of GET schedules.")
        if not view.may_end(found, await self.own_contact(identity), identity):
            raise ProblemError(
                403,
                "not-yours",
                "Only those whom it is about, who made it, or an admin may end it.",
                "Ask one of them.",
            )
        await self._store.delete_override(override_id, identity.username)
        await self._in_force(people)

    async def test(self, body: TestBody, identity: Identity) -> TestAnswer:
        """Send a real test message, tell what each provider said; raises ProblemError 400, 403, 404, 429 or 503."""
        own = await self.own_contact(identity)
        if body.contact is not None and body.receiver is not None:
            raise ProblemError(400, "two-names", "Both a contact and a receiver are named.", "Name one of them.")
        contact = "" if body.receiver is not None else body.contact or own
        if contact != own and not allows(identity.role, "admin"):
            raise ProblemError(
                403, "not-yours", "A test message to others is for admins.", "Leave contact out to test your own."
            )
        wait = self._tests.take(identity.username.encode(), self._clock.monotonic())
        if wait > 0:
            raise ProblemError(
                429,
                "too-many-tests",
                "That were many test messages at once, and each is a real one.",
                f"Wait {math.ceil(wait)} seconds.",
                headers={"Retry-After": str(math.ceil(wait))},
            )
        request = TrialRequest(contact=contact, receiver=body.receiver or "", by=identity.username)
        found = await self._reader.test(request)
        detail = {"ways": len(found.results), "failed": sum(not one.ok for one in found.results)}
        target = f"contact:{contact}" if contact else f"receiver:{body.receiver}"
        try:
            await self._store.tell(identity.username, "test_sent", target, detail)
        except StorageUnavailableError:
            # It is sent: whoever tries out what still works must be told so.
            log.warning("test_not_audited", by=identity.username, target=target)
        return TestAnswer(results=found.results)

    async def give_contact(self, user_id: int, contact: str | None, identity: Identity) -> UserContact:
        """Say which contact a login is; raises ProblemError 400, 404 or 503."""
        people = await self._reader.people()
        if contact is not None and contact_of(people, contact) is None:
            known = ", ".join(one.name for one in people.contacts) or "none"
            raise ProblemError(400, "unknown-contact", f"contact: there is no {contact!r}.", f"There are: {known}.")
        username = await self._store.set_contact(user_id, contact, identity.username)
        if username is None:
            raise ProblemError(404, "unknown-user", "There is no such login.", "See GET /api/admin/users.")
        return UserContact(username=username, contact=contact or username)

    async def _whose(self, name: str | None, identity: Identity) -> str:
        own = await self.own_contact(identity)
        if name not in {None, own} and identity.role != "admin":
            raise ProblemError(
                403, "not-yours", "The preferences of others are for admins.", "Leave contact out to see your own."
            )
        return name or own

    async def _shown(self, contact: str, people: People, pending: str) -> Preferences:
        kept, known = await self._store.preference(contact), contact_of(people, contact)
        return Preferences(
            contact=contact, known=known is not None, title=known.title if known else "",
            chosen=kept.preference if kept else Preference(),
            file=known.file if known else None, now=known.now if known else None,
            warnings=_warnings(known), updated_by=kept.updated_by if kept else None,
            updated_at=kept.updated_at if kept else None, pending=pending,
        )  # fmt: skip

    async def _in_force(self, before: People) -> tuple[People, str]:
        try:
            await self.delivery.deliver()
        except (RedisAwayError, StorageUnavailableError):
            return before, "It is kept, and comes into force when Redis is back."
        try:
            return await self._reader.refresh(), ""
        except ProblemError:
            return before, "It is kept, and comes into force when the notifier is back."

    async def _logins(self) -> list[Login]:
        try:
            return await self._store.logins()
        except StorageUnavailableError:
            return []

    async def _agreed(self) -> list[Agreed]:
        try:
            return await self._store.overrides()
        except StorageUnavailableError:
            # The rota itself is the notifier's: it is shown, only without who agreed what.
            return []


def _warnings(known: ShownContact | None) -> tuple[str, ...]:
    return known.warnings if known else ()


def _no_contact(name: str, people: People) -> ProblemError:
    known = ", ".join(one.name for one in people.contacts) or "none"
    return ProblemError(
        404,
        "unknown-contact",
        f"The notifier's file has no contact {name!r}; it has: {known}.",
        "Add the contact to the notifier's file, or let an admin say which contact your login is.",
    )


def read_only(what: str, place: str) -> ProblemError:
    """Return the problem of changing what the notifier's file says."""
    return ProblemError(
        409, "in-a-file", f"The {what} is written in {place}.", "Change it there; the notifier takes it within moments."
    )
