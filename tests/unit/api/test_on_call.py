"""What is shown of people, what speaks against a choice, and a notifier that answers badly."""

import aiohttp
import pytest
from aiohttp import web

from services.api.auth.identity import Identity
from services.api.oncall import view
from services.api.oncall.choices import check_preference, check_takeover, contact_of
from services.api.oncall.reader import KEPT_SECONDS, PeopleReader
from services.api.oncall.store import Agreed, Login
from services.api.problem import ProblemError
from services.common.people import Preference, Takeover
from services.common.people_shown import (
    HowTold,
    People,
    Shift,
    ShownChannel,
    ShownContact,
    ShownOverride,
    ShownPolicy,
    ShownSchedule,
    ShownStep,
    ShownTarget,
    TrialRequest,
)
from services.common.testing.clock import ManualClock

NOW, DAY = 1_000_000.0, 86_400.0


def how(*channels: tuple[str, str]) -> HowTold:
    shown = tuple(
        ShownChannel(integration=f"{kind}/0", channel=kind, recipients=(to,), severities=("critical",))
        for kind, to in channels
    )
    return HowTold(channels=shown, deliver="first", quiet_hours=(), rate_limit=None)


def contact(name: str, *channels: tuple[str, str], warnings: tuple[str, ...] = ()) -> ShownContact:
    told = how(*(channels or (("email", f"{name}@x.org"), ("sms", "+49301234567"))))
    return ShownContact(
        name=name, title=f"{name.title()} X", place="am.yml:3", fallback_after=1.0, file=told, now=told,
        warnings=warnings,
    )  # fmt: skip


SCHEDULE = ShownSchedule(
    name="primary", time_zone="UTC", place="am.yml:9", on_call=("anna",), rotations=(),
    overrides=(
        ShownOverride(id="file-0", contact=None, instead_of=None, starts_at=NOW + 5, ends_at=NOW + 6),
        ShownOverride(id="a", contact="bert", instead_of="anna", starts_at=NOW, ends_at=NOW + 9),
    ),
    shifts=(
        Shift(begin=NOW - DAY, end=NOW + DAY, people=("anna",)),
        Shift(begin=NOW + DAY, end=NOW + 2 * DAY, people=()),
        Shift(begin=NOW + 2 * DAY, end=NOW + 9 * DAY, people=("bert",)),
    ),
    weeks=(NOW - DAY, NOW + 6 * DAY, NOW + 9 * DAY),
    gaps_wanted=False, feed="/feed", warnings=("has nobody on call at times",),
)  # fmt: skip
POLICY = ShownPolicy(
    name="ops", place="am.yml:20", repeat=0, warnings=("step 1 reaches nobody",),
    steps=(
        ShownStep(
            notify=(ShownTarget(kind="schedule", name="primary"),), channels=(), wait=300.0,
            reaches=(ShownTarget(kind="contact", name="anna"), ShownTarget(kind="receiver", name="team")),
        ),
    ),
)  # fmt: skip
PEOPLE = People(
    at=NOW, contacts=(contact("anna"), contact("bert", warnings=("has no channel",))), schedules=(SCHEDULE,),
    policies=(POLICY,), receivers=("team",), ignored_overrides={"b": "there is no contact 'dora'"},
)  # fmt: skip


def somebody(role="viewer", username="anna") -> Identity:
    return Identity(username, role, "session", b"", NOW)


def agreed(id_: str, *, schedule="primary", by="root", contact_="bert", instead_of="anna") -> Agreed:
    takeover = Takeover(schedule=schedule, contact=contact_, instead_of=instead_of, starts_at=NOW, ends_at=NOW + 9)
    return Agreed(id_, takeover, "Ill", by, NOW)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+49301234567", "+49•••••••67"),
        ("030 1234-56", "030••••••56"),
        ("whatsapp:+49301234567", "+49•••••••67"),
        ("anna@example.com", "anna@example.com"),
        ("hooks.example.com", "hooks.example.com"),
        ("+4912", "+4912"),
    ],
)
def test_numbers_are_masked_and_nothing_else(text, shown):
    assert view.masked(text) == shown


@pytest.mark.parametrize(
    ("role", "own", "numbers"),
    [
        ("viewer", "anna", ["+49301234567", "+49•••••••67"]),
        ("viewer", "cleo", ["+49•••••••67", "+49•••••••67"]),
        ("operator", "cleo", ["+49301234567", "+49301234567"]),
    ],
)
def test_whose_numbers_somebody_sees(role, own, numbers):
    found = view.contacts(PEOPLE, (), own, somebody(role))
    for told in ("file", "now"):
        assert [getattr(one, told).channels[1].recipients[0] for one in found] == numbers


def test_logins_are_for_admins_and_go_by_name_unless_an_admin_said_otherwise():
    logins = [Login(1, "anna", None), Login(2, "b", "anna"), Login(3, "bert", "anna"), Login(4, "x", None)]
    anna, bert = view.contacts(PEOPLE, logins, "", somebody("admin"))
    assert [(one.username, one.given) for one in anna.logins] == [("anna", False), ("b", True), ("bert", True)]
    assert bert.logins == ()
    assert all(one.logins == () for one in view.contacts(PEOPLE, logins, "", somebody("operator")))


def test_a_schedule_shows_also_what_the_notifier_does_not_follow():
    kept = [agreed("a"), agreed("b"), agreed("c", by="anna"), agreed("d", schedule="other")]
    shown = view.schedule(SCHEDULE, kept, PEOPLE.ignored_overrides, "cleo", somebody("operator"))
    assert [(one.id, one.created_by, one.ignored, one.removable) for one in shown.overrides] == [
        ("a", "root", "", False),
        ("b", "root", "there is no contact 'dora'", False),
        ("c", "anna", view.NOT_YET, True),
        ("file-0", "", "", False),
    ]


@pytest.mark.parametrize(
    ("role", "own", "may"),
    [
        ("admin", "", True), ("operator", "bert", True), ("operator", "anna", True), ("operator", "cleo", False),
        ("viewer", "bert", False),
    ],
)  # fmt: skip
def test_who_may_end_a_takeover(role, own, may):
    assert view.may_end(agreed("a"), own, somebody(role, "z")) is may


def test_who_is_on_call_and_what_comes_next():
    found = view.on_call(PEOPLE, "cleo")
    (duty,) = found.schedules
    assert (duty.people, duty.until, duty.next) == (("anna",), NOW + DAY, ())
    assert (found.policies[0].people, found.policies[0].receivers) == (("anna",), ("team",))
    assert (found.contact, found.contact_known, found.configured) == ("cleo", False, True)
    assert found.titles == {"anna": "Anna X", "bert": "Bert X"}
    assert [(one.kind, one.name, one.place) for one in found.warnings] == [
        ("policy", "ops", "am.yml:20"), ("schedule", "primary", "am.yml:9"), ("contact", "bert", "am.yml:3"),
    ]  # fmt: skip
    nobody = PEOPLE.model_copy(update={"contacts": (), "schedules": (), "policies": ()})
    assert not view.on_call(nobody, "cleo").configured
    last = PEOPLE.model_copy(update={"at": NOW + 5 * DAY})
    assert view.on_call(last, "").schedules[0].until is None


@pytest.mark.parametrize(("people", "wanted", "gap"), [((), False, True), ((), True, False), (("anna",), False, False)])
def test_a_gap_is_none_where_it_is_meant_so(people, wanted, gap):
    rota = SCHEDULE.model_copy(update={"on_call": people, "gaps_wanted": wanted})
    (duty,) = view.on_call(PEOPLE.model_copy(update={"schedules": (rota,)}), "").schedules
    assert duty.gap is gap


def test_a_channel_may_be_named_by_its_kind_or_its_number():
    anna = contact_of(PEOPLE, "anna")
    assert anna is not None
    for names in (["sms", "email/0"], ["email"], ["sms/0"]):
        check_preference(Preference.model_validate({"channels": [{"channel": name} for name in names]}), anna)
    check_preference(Preference(), anna)
    for names, kind in ((["slack"], "unknown-channel"), (["email", "email"], "channel-twice")):
        with pytest.raises(ProblemError) as caught:
            check_preference(Preference.model_validate({"channels": [{"channel": name} for name in names]}), anna)
        assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, ""),
        ({"instead_of": None}, ""),
        ({"ends_at": NOW + 30 * DAY, "starts_at": NOW + 29 * DAY}, ""),  # past what was told: nobody knows
        ({"instead_of": "bert", "contact": "anna"}, "no-duty"),
        ({"instead_of": "bert"}, "same-person"),
        ({"schedule": "x"}, "unknown-schedule"),
        ({"contact": "x"}, "unknown-contact"),
        ({"instead_of": "x"}, "unknown-contact"),
        ({"ends_at": NOW, "starts_at": NOW - 1}, "in-the-past"),
        ({"ends_at": NOW + 400 * DAY}, "too-far"),
    ],
)
def test_what_speaks_against_a_takeover(more, kind):
    fields = {"schedule": "primary", "contact": "bert", "instead_of": "anna", "starts_at": NOW, "ends_at": NOW + 9}
    takeover = Takeover.model_validate(fields | more)
    if not kind:
        check_takeover(takeover, PEOPLE, NOW)
        return
    with pytest.raises(ProblemError) as caught:
        check_takeover(takeover, PEOPLE, NOW)
    assert caught.value.kind == kind
    assert caught.value.mend


class Notifier:
    """Answers what a test sets; counts what it was asked."""

    def __init__(self) -> None:
        self.status, self.body, self.asked, self.url = 200, PEOPLE.model_dump_json(), 0, ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        assert request.headers["Authorization"] == "Bearer t"
        return web.Response(status=self.status, text=self.body)


@pytest.fixture
async def notifier():
    found = Notifier()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as found:
        yield found


async def test_the_notifier_is_asked_once_in_a_while(notifier, session):
    clock = ManualClock(NOW)
    reader = PeopleReader(session, notifier.url, "t", clock)
    assert await reader.people() == await reader.people() == PEOPLE
    assert notifier.asked == 1
    await clock.advance(KEPT_SECONDS)
    await reader.people()
    assert notifier.asked == 2
    # What was chosen just now must be seen at once.
    await reader.refresh()
    await reader.people()
    assert notifier.asked == 3


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [(401, "", "service token"), (500, "", "answers 500"), (404, "", "answers 404"), (200, "{}", "another form")],
)
async def test_a_bad_answer_is_no_guess(notifier, session, status, body, says):
    notifier.status, notifier.body = status, body
    reader = PeopleReader(session, notifier.url, "t", ManualClock(NOW))
    with pytest.raises(ProblemError, match=says) as caught:
        await reader.people()
    assert (caught.value.status, caught.value.kind) == (503, "notifier-away")
    # What was known before is not told as if it were so now.
    notifier.status, notifier.body = 200, PEOPLE.model_dump_json()
    await reader.people()
    notifier.status = status
    notifier.body = body
    with pytest.raises(ProblemError):
        await reader.refresh()
    with pytest.raises(ProblemError):
        await reader.people()


async def test_a_notifier_that_hangs_is_away(session, monkeypatch):
    reader = PeopleReader(session, "http://127.0.0.1:1", "t", ManualClock(NOW))
    with pytest.raises(ProblemError, match="can't be reached"):
        await reader.people()
    monkeypatch.setattr(session, "request", lambda *_args, **_more: _Hanging())
    with pytest.raises(ProblemError, match="in time"):
        await reader.test(TrialRequest(contact="anna", by="x"))


class _Hanging:
    async def __aenter__(self):
        raise TimeoutError

    async def __aexit__(self, *_):
        return False
