"""`oauth2` of scrapes, of lists of targets and of other servers, against a server that grants tokens."""

import asyncio

import pytest
from aiohttp import web

from services.common.config import ConfigError
from services.common.oauth2 import TokenError
from services.common.testing.clock import ManualClock
from services.evaluator.remote.config import SourceConfig
from services.evaluator.remote.session import ServerSession
from services.evaluator.remote.source import Source, SourceError
from services.evaluator.scrape.client import ScrapeClient
from services.evaluator.scrape.config import HttpSdConfig
from services.evaluator.scrape.credentials import ScrapeCredentials
from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.http_discovery import HttpDiscovery
from tests.fixtures.oauth2 import granting
from tests.fixtures.scraped import job, serve, target

pytestmark = pytest.mark.integration
LIST = [{"targets": ["a:1"]}]
EMPTY = {"status": "success", "data": {"resultType": "vector", "result": []}}


@pytest.fixture
async def server():
    async with granting() as it:
        yield it


@pytest.fixture
async def guarded(stack, server):
    """The address of a target that wants the newest token."""

    async def answer(request):
        await request.read()
        if not server.lets_in(request):
            return web.Response(status=401, text="who?")
        if request.path == "/away":
            raise web.HTTPFound("/metrics")
        if request.path == "/metrics":
            return web.Response(text="a 1\n")
        return web.json_response(LIST if request.path == "/list" else EMPTY)

    return await serve(stack, answer)


async def scraper(stack, base, clock=None, **keys):
    made = ScrapeClient(job(**keys), base, clock or ManualClock())
    await made.open(stack)
    return made


async def failing(client, one):
    with pytest.raises(ScrapeError) as caught:
        await client.fetch(one)
    return caught.value


async def test_scrapes_of_a_job_share_a_token_until_it_ends(stack, tmp_path, server, guarded):
    clock = ManualClock()
    client = await scraper(stack, tmp_path, clock, oauth2=server.keys(scopes=["metrics"], endpoint_params={"n": 5}))
    for path in ("/metrics", "/away", "/metrics"):
        assert (await client.fetch(target(guarded, path))).body == b"a 1\n"
    assert server.asked[0][1] == {"grant_type": "client_credentials", "scope": "metrics", "n": "5"}
    assert len(server.asked) == 1
    await clock.advance(3590)
    assert (await client.fetch(target(guarded))).body == b"a 1\n"
    assert server.granted == 2


async def test_a_token_that_was_taken_back_is_replaced_once(stack, tmp_path, server, guarded):
    client = await scraper(stack, tmp_path, oauth2=server.keys())
    await client.fetch(target(guarded))
    server.valid = "t2"
    assert (await client.fetch(target(guarded))).body == b"a 1\n"
    assert server.shown == ["Bearer t1", "Bearer t1", "Bearer t2"]
    server.denies = True
    error = await failing(client, target(guarded))
    assert (error.reason, str(error)) == ("status", "server returned HTTP status 401 Unauthorized")
    assert server.granted == 2


async def test_a_scrape_without_a_token_says_so(stack, tmp_path, server, guarded):
    client = await scraper(stack, tmp_path, oauth2=server.keys())
    server.answers = [(401, {"error": "invalid_client"})] * 2
    error = await failing(client, target(guarded))
    assert (error.reason, server.shown) == ("credentials", [])
    assert str(error) == f'no token from {server.url}/token: HTTP 401: {{"error": "invalid_client"}}'
    server.hang = asyncio.Event()
    with pytest.raises(ScrapeError) as caught:
        await ScrapeCredentials(job(oauth2=server.keys()), tmp_path, ManualClock()).headers(0.05)
    assert (caught.value.reason, str(caught.value)) == (
        "credentials", f"{server.url}/token gave no token within 0.05 s",
    )  # fmt: skip


async def test_a_secrets_file_may_come_later(stack, tmp_path, server, guarded):
    client = await scraper(stack, tmp_path, oauth2=server.keys(client_secret=None, client_secret_file="secret"))
    assert (await failing(client, target(guarded))).reason == "credentials"
    (tmp_path / "secret").write_text("there\n", encoding="utf-8")
    assert (await client.fetch(target(guarded))).body == b"a 1\n"
    with pytest.raises(ConfigError, match=r"gone\.pem"):
        ScrapeClient(job(oauth2=server.keys(tls_config={"ca_file": "gone.pem"})), tmp_path, ManualClock())


async def test_a_list_of_targets_behind_a_token(stack, tmp_path, server, guarded):
    config = HttpSdConfig.model_validate({"url": f"http://{guarded}/list", "oauth2": server.keys()})
    found = HttpDiscovery(config, tmp_path, ManualClock())
    await found.open(stack)
    assert await found.poll() is None
    server.valid = "t2"
    assert await found.poll() is None
    assert [group.targets for group in found.groups] == [("a:1",)]
    server.denies = True
    assert await found.poll() == "status"
    assert server.granted == 2


async def test_another_server_behind_a_token(stack, tmp_path, server, guarded):
    config = SourceConfig.model_validate({"url": f"http://{guarded}", "oauth2": server.keys()})
    session = ServerSession(config, tmp_path, ManualClock(), 5)
    await session.open(stack)
    source = Source(config, session)
    for _ in range(2):
        assert (await source.query("up", 0)).type == "vector"
        server.valid = "t2"
    assert server.shown == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_another_server_without_a_token(stack, tmp_path, server, guarded):
    server.answers = [(500, "busy")] * 2
    config = SourceConfig.model_validate({"url": f"http://{guarded}", "oauth2": server.keys()})
    session = ServerSession(config, tmp_path, ManualClock(), 5)
    await session.open(stack)
    with pytest.raises(SourceError, match=r"no token from .*HTTP 500: busy"):
        await Source(config, session).query("up", 0)
    with pytest.raises(TokenError, match="busy"):
        async with session.post(f"http://{guarded}/api"):
            pass
    assert server.shown == []


@pytest.mark.parametrize(
    "keys",
    [
        {"oauth2": {}}, {"oauth2": {"client_id": "a", "token_url": "http://a/"}, "bearer_token": "x"},
        {"oauth2": {"client_id": "a", "token_url": "http://a/", "scope": "x"}},
    ],
)  # fmt: skip
def test_mistakes(keys):
    with pytest.raises(ValueError, match=r"Field required|exclude each other|Extra inputs"):
        job(**keys)


def test_a_key_without_a_value_says_nothing():
    found = job(oauth2={"client_id": "a", "token_url": "http://a/", "scopes": None, "tls_config": None}).oauth2
    assert (found.scopes, found.tls_config.ca_file) == ((), None)


async def test_a_token_that_was_taken_back_while_there_is_no_other(stack, tmp_path, server, guarded):
    client = await scraper(stack, tmp_path, oauth2=server.keys())
    await client.fetch(target(guarded))
    server.denies, server.answers = True, [(503, "busy")]
    error = await failing(client, target(guarded))
    assert (error.reason, str(error)) == ("credentials", f"no token from {server.url}/token: HTTP 503: busy")
    without = await scraper(stack, tmp_path, bearer_token="old")
    assert (await failing(without, target(guarded))).reason == "status"
