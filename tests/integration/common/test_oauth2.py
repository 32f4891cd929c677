"""Tokens by client credentials against a server that grants them."""

import asyncio
import base64
import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.common.config import ConfigError
from services.common.oauth2 import OAuth2, TokenError, TokenKeeper, Tokens
from services.common.tls_config import TlsConfig
from tests.fixtures.oauth2 import granting
from tests.fixtures.waiting import until

pytestmark = pytest.mark.integration
NOW = 1000.0
SECRET = "s3cret+/"
BASIC = "Basic " + base64.b64encode(b"tocsin:s3cret%2B%2F").decode()


@pytest.fixture
async def server():
    async with granting() as it:
        yield it


@pytest.fixture
def make(server, tmp_path):
    return lambda **keys: Tokens(OAuth2.model_validate(server.keys(**keys)), tmp_path)


async def fails(tokens, **more):
    with pytest.raises(TokenError) as caught:
        await tokens.authorization(NOW, **more)
    assert SECRET not in str(caught.value)
    return caught.value


async def test_a_token_is_kept_until_shortly_before_it_ends(make, server):
    tokens = make(scopes=["a", "b"], endpoint_params={"audience": "x y"})
    assert tokens.present == ""
    assert [await tokens.authorization(NOW + late) for late in (0, 3589, 3590)] == [
        "Bearer t1",
        "Bearer t1",
        "Bearer t2",
    ]
    (headers, form), _ = server.asked
    assert headers["authorization"] == BASIC
    assert form == {"grant_type": "client_credentials", "audience": "x y", "scope": "a b"}
    assert tokens.present == "t2"


async def test_a_refused_token_is_replaced_but_not_at_each_request(make, server):
    tokens = make()
    first = await tokens.authorization(NOW)
    assert await tokens.authorization(NOW, instead_of=first) == "Bearer t2"
    # Another who still has the old one gets the new one.
    assert await tokens.authorization(NOW, instead_of=first) == "Bearer t2"
    # Whoever refuses that, too, refuses all.
    assert await tokens.authorization(NOW + 29, instead_of="Bearer t2") == "Bearer t2"
    assert await tokens.authorization(NOW + 30, instead_of="Bearer t2") == "Bearer t3"
    assert server.granted == 3


async def test_many_at_once_ask_once(make, server):
    server.hang = asyncio.Event()
    tokens = make()
    waiting = [asyncio.create_task(tokens.authorization(NOW, timeout=60)) for _ in range(20)]
    await until(lambda: server.asked)
    server.hang.set()
    assert set(await asyncio.gather(*waiting)) == {"Bearer t1"}
    assert len(server.asked) == 1


async def test_many_at_once_hear_of_one_failure(make, server):
    server.hang = asyncio.Event()
    server.answers = [(500, "not now")]
    tokens = make()
    waiting = [asyncio.create_task(tokens.authorization(NOW, timeout=60)) for _ in range(5)]
    await until(lambda: server.asked)
    server.hang.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert {str(error) for error in found} == {f"no token from {server.url}/token: HTTP 500: not now"}
    assert len(server.asked) == 1
    assert await tokens.authorization(NOW) == "Bearer t1"


async def test_the_secret_goes_into_the_form_where_the_header_is_refused(make, server):
    server.answers = [(401, {"error": "invalid_client"}), (200, "access_token=one&token_type=MAC&expires_in=11")]
    tokens = make()
    assert await tokens.authorization(NOW) == "MAC one"
    assert await tokens.authorization(NOW + 2) == "Bearer t1"
    assert ["authorization" in headers for headers, _ in server.asked] == [True, False, False]
    assert server.asked[2][1]["client_secret"] == SECRET
    server.answers = [(400, {"error": "invalid_client"}), (401, "")]
    assert (await fails(tokens, instead_of="Bearer t1")).reason == "refused"
    assert await tokens.authorization(NOW, instead_of="Bearer t1") == "Bearer t2"
    assert "client_secret" in server.asked[-1][1]  # what worked once is remembered


@pytest.mark.parametrize(
    ("status", "answer", "reason", "words"),
    [
        (403, "", "refused", "HTTP 403"), (400, {"error": "invalid_scope"}, "refused", "invalid_scope"),
        (503, "busy", "answer", "HTTP 503: busy"), (302, "", "answer", "give its last address as token_url"),
        (200, "[]", "answer", "without access_token"), (200, {"access_token": 5}, "answer", "without access_token"),
        (200, {"access_token": "a\nb"}, "answer", "no header can carry"),
        (200, {"access_token": "a", "token_type": 5}, "answer", "no header can carry"),
        pytest.param(200, "x" * (1024**2 + 1), "answer", "more than", id="long"),
        pytest.param(
            401, f"{SECRET} {BASIC} pass-word s3cret%2B%2F", "refused", "<secret> Basic <secret> <secret> <secret>",
            id="secrets",
        ),
    ],
)  # fmt: skip
async def test_no_token(make, server, status, answer, reason, words):
    server.answers = [(status, answer)] * 2
    error = await fails(make(endpoint_params={"password": "pass-word"}))
    assert (error.reason, words in str(error), server.url in str(error)) == (reason, True, True), str(error)
    assert error.status == (0 if status == 200 else status)
    if error.status:
        assert error.headers["Retry-After"] == "7"


async def test_without_a_usable_lifetime_a_token_lasts(make, server):
    server.answers = [(200, {"access_token": "a", "expires_in": "soon"})]
    tokens = make()
    assert [await tokens.authorization(NOW), await tokens.authorization(NOW + 10**9)] == ["Bearer a"] * 2


async def test_nobody_answers(make, server):
    error = await fails(make(token_url="http://me:pw@127.0.0.1:1/token?key=hush"))
    assert error.reason == "unreachable"
    assert "http://127.0.0.1:1/token" in str(error)
    assert not {"pw", "hush"} & set(str(error).replace(":", " ").replace("=", " ").split())
    server.hang = asyncio.Event()
    error = await fails(make(), timeout=0.05)
    assert (error.reason, str(error)) == ("timeout", f"{server.url}/token gave no token within 0.05 s")


async def test_a_server_that_is_not_trusted(server, make, tmp_path):
    assert (await fails(make(token_url=f"https{server.url[4:]}/token"))).reason == "tls"
    gone = make(token_url="https://127.0.0.1:1/", tls_config={"ca_file": "gone.pem"})
    with pytest.raises(ConfigError, match=r"tls_config: gone\.pem"):
        await gone.authorization(NOW)
    with pytest.raises(ConfigError, match=r"tls_config: gone\.pem"):
        OAuth2.model_validate(server.keys(tls_config={"ca_file": "gone.pem"})).check(tmp_path)


async def test_a_secret_in_a_file_is_read_at_each_request(server, make, tmp_path):
    tokens = make(client_secret=None, client_secret_file="secret")
    with pytest.raises(ConfigError, match="secret can't be read"):
        await tokens.authorization(NOW)
    (tmp_path / "secret").write_text("new\n", encoding="utf-8")
    assert await tokens.authorization(NOW) == "Bearer t1"
    assert base64.b64decode(server.asked[0][0]["authorization"][6:]) == b"tocsin:new"


async def test_a_proxy_between(server, make):
    through = make(token_url="http://login.test/token", proxy_url=server.url)
    assert await through.authorization(NOW) == "Bearer t1"
    assert server.asked[0][0]["host"] == "login.test"
    refusing = make(token_url="https://login.test/token", proxy_url=server.url, proxy_connect_header={"X-A": ["b"]})
    assert (await fails(refusing)).reason == "unreachable"
    past = make(proxy_url="http://127.0.0.1:1", no_proxy="127.0.0.0/8")
    assert await past.authorization(NOW) == "Bearer t2"


async def test_clients_with_the_same_keys_share_a_token(server, tmp_path):
    keeper = TokenKeeper()
    one, other = (OAuth2.model_validate(server.keys(endpoint_params={"a": "b"})) for _ in range(2))
    assert keeper.of(one, tmp_path) is keeper.of(other, tmp_path)
    assert keeper.of(OAuth2.model_validate(server.keys(client_secret="x")), tmp_path) is not keeper.of(one, tmp_path)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"token_url": "x"}, "begin with http"), ({"token_url": "http://a:b/"}, "port"),
        ({"client_id": ""}, "at least 1"),
        ({"client_secret_file": "f"}, "either client_secret or"), ({"scope": "a"}, "Extra"),
        ({"proxy_url": "http://p", "proxy_from_environment": True}, "either proxy_url or"),
    ],
)  # fmt: skip
def test_mistakes(keys, words):
    with pytest.raises(ValueError, match=words):
        OAuth2.model_validate({"client_id": "a", "client_secret": SECRET, "token_url": "http://a/", **keys})


def test_our_own_certificate_by_value(own_certificate):
    pem, key = own_certificate
    context = TlsConfig(cert=pem, key=key, insecure_skip_verify=True).context(Path())
    assert context.verify_mode is ssl.CERT_NONE
    with pytest.raises(ConfigError, match="tls_config"):
        TlsConfig(cert=pem, key="no key").context(Path())


@pytest.fixture
def own_certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "us")])
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(begin).not_valid_after(begin.replace(year=2036)).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem).decode(), secret.decode()
