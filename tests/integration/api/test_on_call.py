"""Who is on call, preferences, takeovers and test messages: the API, a real notifier, Postgres, Redis and SMTP."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from aiosmtpd.smtp import SMTP

from services.api.oncall import delivery, store
from services.common.bus import connect_redis
from services.common.people import OVERRIDES_KEY, PEOPLE_KEY
from tests.fixtures.waiting import until
from tests.integration.api.conftest import _add_users
from tests.integration.notifier.conftest import Mailbox

pytestmark = pytest.mark.integration
BASE = "/api/admin/monitoring"
HOUR, DAY = 3600.0, 86_400.0


def notifier_file(port):
    def person(name, **more):
        return {"name": name, "email": f"{name}@example.com", "channels": [{"email": {}}], **more}

    # Nobody listens there: a provider that is away.
    second = {"twilio_sms": {"from": "+15005550006"}, "severities": ["critical"]}
    provider = {"twilio_api_url": "http://127.0.0.1:1", "twilio_account_sid": "AC1", "twilio_auth_token": "x"}
    shop = "https://hooks.example.com/secret-path"
    today = datetime.now(UTC)
    monday = today - timedelta(days=today.weekday() + 14)
    return yaml.safe_dump(
        {
            "global": {
                "smtp_smarthost": f"127.0.0.1:{port}",
                "smtp_from": "tocsin@example.com",
                "smtp_require_tls": False,
                **provider,
            },
            "route": {"receiver": "ops"},
            "receivers": [
                {"name": "ops", "escalation_configs": [{"policy": "ops"}]},
                {"name": "hook", "webhook_configs": [{"url": shop}]},
            ],
            "contacts": [
                person("operator", full_name="Olga Perator", phone="+49301234567", channels=[{"email": {}}, second]),
                person("admin"),
                person("cleo"),
            ],
            "schedules": [
                {
                    "name": "primary",
                    "time_zone": "UTC",
                    "rotations": [{"members": ["operator", "cleo"], "starts": f"{monday:%Y-%m-%d}T00:00"}],
                    "overrides": [{"contact": "cleo", "from": "2030-01-01T00:00", "to": "2030-01-02T00:00"}],
                }
            ],
            "escalation_policies": [
                {
                    "name": "ops",
                    "steps": [
                        {"notify": {"schedule": "primary"}, "wait": "5m"},
                        {"notify": [{"contact": "admin"}, {"receiver": "hook"}], "channels": ["slack"]},
                    ],
                }
            ],
        },
        sort_keys=False,
    )


@pytest.fixture
async def mailbox():
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="test", loop=loop), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()


@pytest.fixture
async def people(stand, mailbox):
    """A started API and a notifier whose file has people; two of them are logins by their names."""
    await _add_users(stand)
    stand.notifier_file = notifier_file(mailbox.port)
    stand.notifier_stack = await stand.start_notifier()
    await stand.start()
    await until(lambda: stand.running.ready() == "")
    return stand


async def test_who_is_on_call_contacts_schedules_and_policies(people):
    page = await people.log_in("operator")
    status, now = await page.get(f"{BASE}/on-call")
    assert (status, now["contact"], now["contact_known"], now["configured"]) == (200, "operator", True, True)
    (duty,) = now["schedules"]
    assert (duty["people"], duty["next"]) == (["operator"], ["cleo"])
    assert 0 < duty["until"] - time.time() <= 7 * DAY
    assert now["policies"] == [{"name": "ops", "people": ["operator"], "receivers": []}]
    assert now["titles"] == {"operator": "Olga Perator"}
    assert [(one["kind"], one["name"]) for one in now["warnings"]] == []
    _, found = await page.get(f"{BASE}/contacts")
    assert [(one["name"], one["mine"]) for one in found["contacts"]] == [
        ("operator", True), ("admin", False), ("cleo", False),
    ]  # fmt: skip
    assert found["receivers"] == ["ops", "hook"]
    file, _, line = found["contacts"][0]["place"].rpartition(":")
    assert file.endswith("alertmanager.yml")
    assert people.notifier_file.splitlines()[int(line) - 1] == "- name: operator"
    _, found = await page.get(f"{BASE}/schedules")
    (schedule,) = found["schedules"]
    assert (schedule["name"], schedule["on_call"], schedule["time_zone"]) == ("primary", ["operator"], "UTC")
    (given,) = schedule["overrides"]
    assert (given["id"], given["removable"], given["created_by"]) == ("file-0", False, "")
    visitor = await people.visitor()
    async with visitor.http.get(schedule["feed"]) as feed:
        assert "BEGIN:VCALENDAR" in await feed.text()
    _, found = await page.get(f"{BASE}/escalation-policies")
    assert [[one["name"] for one in step["reaches"]] for step in found["policies"][0]["steps"]] == [
        ["operator"], ["admin", "hook"],
    ]  # fmt: skip


async def test_viewers_see_numbers_masked_and_only_admins_see_logins(people):
    def seen(found):
        (contact, *_) = found["contacts"]
        return contact["now"]["channels"][1]["recipients"], [one["username"] for one in contact["logins"]]

    viewer, operator, admin = [await people.log_in(role) for role in ("viewer", "operator", "admin")]
    number = ["+49301234567"]
    hidden, logins = seen((await viewer.get(f"{BASE}/contacts"))[1])
    assert hidden != number
    assert hidden[0].startswith("+49")
    assert logins == []
    assert seen((await operator.get(f"{BASE}/contacts"))[1]) == (number, [])
    assert seen((await admin.get(f"{BASE}/contacts"))[1]) == (number, ["operator"])


async def test_preferences_from_the_page_to_the_notifier_and_back_again(people):
    page = await people.log_in("operator")
    path = f"{BASE}/preferences"
    status, before = await page.get(path)
    assert (status, before["contact"], before["known"], before["updated_at"]) == (200, "operator", True, None)
    assert [one["integration"] for one in before["file"]["channels"]] == ["email/0", "twilio_sms/0"]
    quiet = {"time_zone": "Europe/Berlin", "days": ["monday"], "from": "22:00", "to": "07:00", "critical_passes": True}
    chosen = {
        "channels": [{"channel": "twilio_sms/0", "severities": None}, {"channel": "email/0", "severities": ["info"]}],
        "deliver": "all",
        "quiet_hours": [quiet],
        "rate_limit": {"per_hour": 7, "critical_within": 30.0},
    }
    status, after = await page.put(path, chosen)
    assert (status, after["pending"], after["chosen"]) == (200, "", chosen), after
    # In force in the answer already, and in what messages go by.
    assert [one["integration"] for one in after["now"]["channels"]] == ["twilio_sms/0", "email/0"]
    assert (after["now"]["deliver"], after["now"]["quiet_hours"]) == ("all", [quiet])
    assert (after["file"], after["updated_by"]) == (before["file"], "operator")
    contact = people.notifier.pipeline.engine.posting.directory.contacts["operator"]
    assert (contact.deliver, contact.rate_limit.per_hour) == ("all", 7)
    # Critical ones would go by nothing: said at once.
    status, warned = await page.put(path, {"channels": [{"channel": "email/0", "severities": ["info"]}]})
    assert warned["warnings"] == ["has no channel that takes critical alerts"]
    status, reset = await page.put(path, {})
    assert (reset["chosen"], reset["updated_at"]) == (
        {"channels": None, "deliver": None, "quiet_hours": None, "rate_limit": None}, None,
    )  # fmt: skip
    assert reset["now"] == before["file"]
    audit = await people.sql("SELECT actor, target FROM audit_log WHERE action = 'preferences_changed'")
    assert [tuple(row) for row in audit] == [("operator", "operator")] * 3


BAD_CHOICES = (
    ({"channels": [{"channel": "slack"}]}, "unknown-channel", "channels.0.channel"),
    ({"channels": [{"channel": "email"}, {"channel": "email/0"}]}, "channel-twice", "channels.1.channel"),
    ({"quiet_hours": [{"time_zone": "Mars", "from": "1:00", "to": "02:00"}]}, "invalid-request", "time_zone"),
    ({"deliver": "never"}, "invalid-request", "deliver"),
)


async def test_a_choice_that_can_not_be_followed_is_refused(people):
    page = await people.log_in("operator")
    for chosen, kind, says in BAD_CHOICES:
        found, problem = await page.put(f"{BASE}/preferences", chosen)
        assert (found, problem["type"]) == (400, f"/problems/{kind}")
        assert says in problem["detail"]
        if kind == "unknown-channel":
            assert "email/0, twilio_sms/0" in problem["mend"]
    assert (await page.get(f"{BASE}/preferences"))[1]["updated_at"] is None


async def test_whose_preferences_are_whose(people):
    viewer, operator, admin = [await people.log_in(role) for role in ("viewer", "operator", "admin")]
    path = f"{BASE}/preferences"
    # The viewer is no contact of the file.
    status, own = await viewer.get(path)
    assert (status, own["contact"], own["known"], own["file"]) == (200, "viewer", False, None)
    status, problem = await viewer.put(path, {"deliver": "all"})
    assert (status, problem["type"]) == (404, "/problems/unknown-contact")
    assert "operator, admin, cleo" in problem["detail"]
    assert (await operator.get(f"{path}?contact=cleo"))[0] == 403
    assert (await operator.put(f"{path}?contact=cleo", {}))[0] == 403
    assert (await admin.put(f"{path}?contact=cleo", {"deliver": "all"}))[1]["contact"] == "cleo"
    # An admin says which contact a login is.
    users = {one["username"]: one["id"] for one in (await admin.get("/api/admin/users"))[1]["users"]}
    give = f"/api/admin/users/{users['viewer']}/contact"
    assert (await admin.put(give, {"contact": "dora"}))[1]["type"] == "/problems/unknown-contact"
    assert (await admin.put(give, {"contact": "cleo"}))[1] == {"username": "viewer", "contact": "cleo"}
    assert (await viewer.get(path))[1]["chosen"]["deliver"] == "all"
    assert (await viewer.put(path, {"deliver": "first"}))[1]["now"]["deliver"] == "first"
    (_, _, cleo) = (await admin.get(f"{BASE}/contacts"))[1]["contacts"]
    assert cleo["logins"] == [{"id": users["viewer"], "username": "viewer", "given": True}]
    assert (await admin.put(give, {"contact": None}))[1] == {"username": "viewer", "contact": "viewer"}
    for wrong in ("0", "x", "9" * 30):
        assert (await admin.put(f"/api/admin/users/{wrong}/contact", {"contact": None}))[0] == 404
    audit = await people.sql("SELECT detail::text FROM audit_log WHERE action = 'user_contact_changed' ORDER BY id")
    assert [row[0] for row in audit] == ['{"contact": "cleo"}', '{"contact": null}']


async def test_a_duty_is_taken_over_and_given_back(people):
    operator, admin = await people.log_in("operator"), await people.log_in("admin")
    path = f"{BASE}/schedules/primary/overrides"
    now = time.time()
    span = {"starts_at": now - 60, "ends_at": now + HOUR}
    status, problem = await operator.post(path, {"contact": "cleo", **span})
    assert (status, problem["type"]) == (403, "/problems/not-yours")
    status, made = await admin.post(path, {"contact": "cleo", "instead_of": "operator", "comment": "Ill", **span})
    assert (status, made["pending"], made["contact"], made["created_by"]) == (201, "", "cleo", "admin"), made
    _, found = await operator.get(f"{BASE}/schedules")
    (schedule,) = found["schedules"]
    assert schedule["on_call"] == ["cleo"]
    (mine, given) = schedule["overrides"]
    assert (mine["id"], mine["comment"], mine["ignored"], mine["removable"]) == (made["id"], "Ill", "", True)
    assert (await operator.get(f"{BASE}/on-call"))[1]["policies"][0]["people"] == ["cleo"]
    # Whose duty it was may take it back: it is about them.
    assert (await operator.delete(f"{path}/{made['id']}"))[0] == 204
    assert (await operator.get(f"{BASE}/on-call"))[1]["schedules"][0]["people"] == ["operator"]
    assert (await operator.delete(f"{path}/{made['id']}"))[0] == 404
    status, problem = await operator.delete(f"{path}/{given['id']}")
    assert (status, problem["type"]) == (409, "/problems/in-a-file")
    assert "alertmanager.yml:" in problem["detail"]
    # One's own, from whoever has it.
    status, own = await operator.post(path, {"starts_at": now + 7 * DAY, "ends_at": now + 8 * DAY})
    assert (status, own["contact"], own["instead_of"]) == (201, "operator", None)
    audit = await people.sql("SELECT actor, action, target FROM audit_log WHERE target = 'primary' ORDER BY id")
    assert [tuple(row) for row in audit] == [
        ("admin", "duty_taken_over", "primary"),
        ("operator", "takeover_ended", "primary"),
        ("operator", "duty_taken_over", "primary"),
    ]


BAD_TAKEOVERS = (
    ("gone", {}, 404, "unknown-schedule"),
    ("primary", {"contact": "dora"}, 400, "unknown-contact"),
    ("primary", {"instead_of": "dora"}, 400, "unknown-contact"),
    ("primary", {"contact": "admin", "instead_of": "cleo"}, 400, "no-duty"),
    ("primary", {"contact": "cleo", "instead_of": "cleo"}, 400, "same-person"),
    ("primary", {"starts_at": 5.0, "ends_at": 6.0}, 400, "in-the-past"),
    ("primary", {"starts_at": 6e9, "ends_at": 5e9}, 400, "wrong-order"),
    ("primary", {"ends_at": 5e9}, 400, "too-far"),
    ("primary", {"ends_at": 1e12}, 400, "invalid-request"),
)


async def test_what_is_no_takeover_is_refused(people, monkeypatch):
    admin = await people.log_in("admin")
    now = time.time()
    good = {"contact": "cleo", "starts_at": now, "ends_at": now + HOUR}
    for schedule, body, status, kind in BAD_TAKEOVERS:
        found, problem = await admin.post(f"{BASE}/schedules/{schedule}/overrides", {**good, **body})
        assert (found, problem["type"]) == (status, f"/problems/{kind}")
        assert problem["mend"]
    monkeypatch.setattr(store, "MOST_OVERRIDES", 0)
    status, problem = await admin.post(f"{BASE}/schedules/primary/overrides", good)
    assert (status, problem["type"]) == (409, "/problems/too-many-overrides")


async def test_redis_that_lost_its_data_gets_everything_back(people, monkeypatch):
    page = await people.log_in("operator")
    now = time.time()
    await page.put(f"{BASE}/preferences", {"deliver": "all"})
    body = {"starts_at": now, "ends_at": now + HOUR}
    _, made = await page.post(f"{BASE}/schedules/primary/overrides", body)
    redis = connect_redis(people.redis_url)
    people.stack.push_async_callback(redis.aclose)
    await redis.delete(PEOPLE_KEY, OVERRIDES_KEY)
    await redis.hset(PEOPLE_KEY, "cleo", '{"deliver": "all"}')
    await people.context.on_call.delivery.deliver()
    assert await redis.hkeys(PEOPLE_KEY) == [b"operator"]
    assert await redis.hkeys(OVERRIDES_KEY) == [made["id"].encode()]
    # So it does when it starts, by itself.
    await redis.delete(PEOPLE_KEY, OVERRIDES_KEY)
    await people.stop()
    await people.start()

    async def there():
        return await redis.hkeys(OVERRIDES_KEY) == [made["id"].encode()]

    await until(there)


async def test_without_redis_a_choice_is_kept_and_said_to_wait(people):
    page = await people.log_in("operator")
    await people.redis.cut()
    status, found = await page.put(f"{BASE}/preferences", {"deliver": "all"})
    assert (status, found["chosen"]["deliver"], found["now"]["deliver"]) == (200, "all", "first")
    assert "Redis" in found["pending"]
    with pytest.raises(delivery.RedisAwayError):
        await people.context.on_call.delivery.deliver()


async def test_while_the_notifier_is_away_nobody_is_told_a_guess(people):
    page = await people.log_in("admin")
    await people.notifier_stack.aclose()
    people.context.on_call._reader._people = None
    for path in ("on-call", "contacts", "schedules", "escalation-policies", "preferences"):
        status, problem = await page.get(f"{BASE}/{path}")
        assert (status, problem["type"]) == (503, "/problems/notifier-away"), path
        assert "runs" in problem["mend"]
    status, problem = await page.post(f"{BASE}/notifications/test", {})
    assert (status, problem["type"]) == (503, "/problems/notifier-away")


async def test_without_postgres_it_is_still_known_who_is_on_call(people):
    page = await people.log_in("operator")
    assert (await page.get(f"{BASE}/on-call"))[0] == 200
    await people.postgres.cut()
    for path in ("on-call", "contacts", "schedules", "escalation-policies"):
        assert (await page.get(f"{BASE}/{path}"))[0] == 200, path
    assert (await page.get(f"{BASE}/preferences"))[0] == 503


async def test_test_messages_tell_what_the_provider_said(people, mailbox):
    operator, admin = await people.log_in("operator"), await people.log_in("admin")
    path = f"{BASE}/notifications/test"
    mailbox.rcpt_answers = ["550 no such user"]
    status, found = await admin.post(path, {"contact": "cleo"})
    assert status == 200
    (result,) = found["results"]
    assert (result["channel"], result["recipient"], result["ok"]) == ("email/0", "cleo@example.com", False)
    assert "550" in result["answer"]
    status, found = await admin.post(path, {"receiver": "ops"})
    reached = {one["receiver"]: one["ok"] for one in found["results"]}
    assert reached["contact:admin"]
    (sms,) = (one for one in found["results"] if one["channel"] == "twilio_sms/0")
    assert "can't" in sms["answer"] or "connect" in sms["answer"].lower()
    assert not sms["ok"]
    for body, status, kind in (
        ({"contact": "dora"}, 404, "unknown-name"),
        ({"receiver": "dora"}, 404, "unknown-name"),
        ({"contact": "cleo", "receiver": "ops"}, 400, "two-names"),
    ):
        found, problem = await admin.post(path, body)
        assert (found, problem["type"]) == (status, f"/problems/{kind}")
    for body in ({"contact": "cleo"}, {"receiver": "ops"}):
        assert (await operator.post(path, body))[1]["type"] == "/problems/not-yours"
    mailbox.mails.clear()
    answers = [await operator.post(path, {}) for _ in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [429]
    assert "Wait" in answers[-1][1]["mend"]
    assert {one["ok"] for _, body in answers[:5] for one in body["results"] if one["channel"] == "email/0"} == {True}
    assert "[TEST] Test notification" in mailbox.subjects
    audit = await people.sql("SELECT actor, target FROM audit_log WHERE action = 'test_sent' ORDER BY id")
    assert [tuple(row) for row in audit][:3] == [
        ("admin", "contact:cleo"), ("admin", "receiver:ops"), ("operator", "contact:operator"),
    ]  # fmt: skip


async def test_what_the_file_says_is_changed_in_the_file(people):
    admin = await people.log_in("admin")
    for key, name, what in (
        ("contacts", "cleo", "contact"),
        ("schedules", "primary", "schedule"),
        ("escalation-policies", "ops", "policy"),
    ):
        put, deleted = (
            await admin.put(f"{BASE}/{key}/{name}", {"anything": 1}),
            await admin.delete(f"{BASE}/{key}/{name}"),
        )
        for status, problem in (put, deleted):
            assert (status, problem["type"]) == (409, "/problems/in-a-file")
            assert what in problem["detail"]
            assert "alertmanager.yml:" in problem["detail"]
        assert (await admin.delete(f"{BASE}/{key}/dora"))[0] == 404
