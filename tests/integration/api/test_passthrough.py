"""What people and providers reach by the API's address and the notifier answers."""

import pytest

from tests.fixtures.waiting import until
from tests.integration.api.test_alerts import fresh

pytestmark = pytest.mark.integration


async def test_a_mails_link_works_without_a_login(whole):
    alert = fresh()
    await whole.publish(alert)
    await until(lambda: alert.alert_id in whole.notifier.pipeline.state.alerts)
    links = whole.notifier.links
    address = links.acknowledge_url(alert.alert_id, "anna@example.com", whole.clock.now())
    path = address[address.index("/ack/") :]
    visitor = await whole.visitor()
    async with visitor.http.get(path) as page:
        assert (page.status, page.content_type) == (200, "text/html")
        # The page's own policy stands, and what it leaves open is the API's.
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert page.headers["X-Frame-Options"] == "DENY"
    assert not whole.notifier.pipeline.state.acks
    assert (await visitor.post(path))[0] == 200
    await until(lambda: whole.notifier.pipeline.state.acks)
    await whole.recorded(1)
    operator = await whole.log_in("operator")

    async def acknowledged():
        return (await operator.get(f"/api/admin/monitoring/alerts/{alert.alert_id}"))[1]["acknowledged"]

    await until(acknowledged)
    assert (await acknowledged())["by"] == "anna@example.com"
    assert (await visitor.post(path))[0] == 409


async def test_hooks_and_feeds_are_passed_with_their_own_checks(whole):
    visitor = await whole.visitor()
    assert (await visitor.post("/hooks/slack/none/action"))[0] == 404
    assert (await visitor.get("/api/v1/schedules/primary.ics?token=x"))[0] == 403
    assert (await visitor.get("/api/v1/schedules"))[0] in {401, 404}
    status, problem = await visitor.post("/hooks/slack/none/action", {"more": "x" * 70_000})
    assert (status, problem["type"].rsplit("/", 1)[-1]) == (413, "too-large")


async def test_a_notifier_that_is_away_is_said_so(whole):
    await whole.notifier_stack.aclose()
    visitor = await whole.visitor()
    status, problem = await visitor.get("/ack/a.b")
    assert (status, problem["type"].rsplit("/", 1)[-1]) == (502, "notifier-away")
