"""`oauth2` of http_config: a token by client credentials, kept, and asked for anew when it is refused."""

import base64

import pytest

from services.common.config import ConfigError
from services.notifier.channels.base import DeliveryError
from services.notifier.channels.http import Client, HttpConfig

pytestmark = pytest.mark.integration
SECRET = "s3cret+with/signs"
NOW = 1_700_000_000.0
BASIC = "Basic " + base64.b64encode(b"tocsin:s3cret%2Bwith%2Fsigns").decode()


def granted(token: str, **more):
    return 200, {}, {"access_token": token, "token_type": "Bearer", **more}


@pytest.fixture
async def client(standin, tmp_path):
    (tmp_path / "secret").write_text(SECRET + "\n")
    oauth2 = {
        "client_id": "tocsin", "client_secret_file": "secret", "token_url": f"{standin.url}/token",
        "scopes": ["alerts", "write"], "endpoint_params": {"audience": "ops"},
    }  # fmt: skip
    made = Client(HttpConfig.model_validate({"oauth2": oauth2}), tmp_path, timeout=5, connections=2)
    made.standin = standin
    yield made
    await made.aclose()


async def post(client: Client, now: float = NOW) -> int:
    answer = await client.post(f"{client.standin.url}/hook", headers={}, content=b"{}", now=now)
    return answer.status


async def fails(client: Client, now: float = NOW) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await post(client, now)
    assert SECRET not in f"{caught.value} {caught.value.detail}"
    return caught.value


async def test_the_token_is_asked_for_once_and_kept_until_it_ends(client, standin):
    standin.answers = [granted("one", expires_in=3600), (200, {}, {}), (200, {}, {}), granted("two"), (200, {}, {})]
    assert [await post(client), await post(client, NOW + 3589), await post(client, NOW + 3591)] == [200] * 3
    assert [seen.path for seen in standin.seen] == ["/token", "/hook", "/hook", "/token", "/hook"]
    assert standin.seen[0].headers["authorization"] == BASIC
    assert standin.seen[0].form == [
        ("grant_type", "client_credentials"), ("audience", "ops"), ("scope", "alerts write"),
    ]  # fmt: skip
    tokens = [seen.headers["authorization"] for seen in standin.seen if seen.path == "/hook"]
    assert tokens == ["Bearer one", "Bearer one", "Bearer two"]
    standin.seen.clear()
    assert await post(client, NOW + 10**9) == 200  # without expires_in it lasts
    assert [seen.path for seen in standin.seen] == ["/hook"]


async def test_a_token_that_was_taken_back_is_replaced_once(client, standin):
    standin.answers = [granted("one"), (401, {}, "no"), granted("two"), (200, {}, {})]
    assert await post(client) == 200
    assert standin.last.headers["authorization"] == "Bearer two"
    # Whoever refuses each token does not make us ask for one at each request.
    standin.answers = [(401, {}, "two is not good")]
    assert (await fails(client)).detail == "HTTP 401: <secret> is not good"
    standin.answers = [(401, {}, "two is not good"), granted("three"), (401, {}, "three is not good")]
    error = await fails(client, NOW + 60)
    assert (error.reason, error.permanent, error.detail) == (
        "authentication_failed", False, "HTTP 401: <secret> is not good",
    )  # fmt: skip
    standin.answers = [(403, {}, "not you")]
    assert (await fails(client)).reason == "authentication_failed"
    assert standin.last.path == "/hook"


async def test_a_server_that_wants_the_secret_in_the_form(client, standin):
    standin.answers = [(401, {}, {"error": "invalid_client"}), (200, {}, "access_token=one&expires_in=60")]
    assert await post(client) == 200
    assert "authorization" not in standin.seen[1].headers
    assert dict(standin.seen[1].form)["client_secret"] == SECRET
    assert standin.last.headers["authorization"] == "Bearer one"
    standin.answers = [granted("two")]
    assert await post(client, NOW + 61) == 200
    assert "authorization" not in standin.seen[3].headers  # it is remembered


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((400, {}, {"error": "invalid_grant"}), "authentication_failed"), ((403, {}, ""), "authentication_failed"),
        ((500, {}, ""), "server_error"), ((200, {}, {"no": "token"}), "server_error"), ((200, {}, []), "server_error"),
        ((404, {}, ""), "refused"), ((429, {}, ""), "rate_limited"),
    ],
)  # fmt: skip
async def test_without_a_token_nothing_is_sent(client, standin, answer, reason):
    standin.usual = lambda _seen: answer
    assert (await fails(client)).reason == reason
    assert {seen.path for seen in standin.seen} == {"/token"}


async def test_a_token_server_that_is_away(client, tmp_path):
    away = {"client_id": "a", "client_secret": SECRET, "token_url": "http://127.0.0.1:1/token"}
    made = Client(HttpConfig.model_validate({"oauth2": away}), tmp_path, timeout=5, connections=2)
    made.standin = client.standin
    error = await fails(made)
    assert (error.reason, error.permanent) == ("connection_failed", False)
    assert error.detail.startswith("no token from http://127.0.0.1:1/token: ")
    (tmp_path / "secret").unlink()
    error = await fails(client)
    assert (error.reason, error.permanent) == ("authentication_failed", False)
    assert "can't be read" in error.detail


def test_a_secret_that_can_not_be_read(tmp_path):
    oauth2 = {"client_id": "a", "client_secret_file": "none", "token_url": "http://127.0.0.1/"}
    with pytest.raises(ConfigError, match="can't be read"):
        Client(HttpConfig.model_validate({"oauth2": oauth2}), tmp_path, timeout=5, connections=2)
