"""Stands in for an OpenID Connect provider: its description, keys, codes bound to PKCE, tokens; a test spoils it."""

import asyncio
import base64
import hmac
import json
import time
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "tocsin", "s3cret of the client"
_BASIC = f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"


class StandInProvider:
    """Lets everybody in as `person`; `claims` go over those of the ID token (None: left out)."""

    def __init__(self):
        self.port = 0
        self.key = self.published = ECKey.generate_key("P-256", {"kid": "first", "use": "sig", "alg": "ES256"})
        self.person = {"sub": "u-1", "preferred_username": "jo", "groups": ["sre"]}
        self.more = None
        self.claims, self.description, self.forges = {}, {}, False
        self.codes, self.asked, self.broken = {}, [], 0
        self._runner = None

    @property
    def issuer(self):
        return f"http://127.0.0.1:{self.port}/realm"

    async def start(self):
        app = web.Application()
        for path, handler in {
            "/.well-known/openid-configuration": self._describe, "/keys": self._keys, "/userinfo": self._userinfo,
        }.items():  # fmt: skip
            app.router.add_get(f"/realm{path}", handler)
        app.router.add_post("/realm/token", self._token)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self):
        await self._runner.cleanup()

    def new_key(self, kid, **how):
        """Sign with another key from now on; `publish=False`: without telling anybody."""
        self.key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})
        if how.get("publish", True):
            self.published = self.key

    def approve(self, url, **more):
        """What the person's click does: returns the callback's query for the address that the browser was sent to."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], **more}

    async def _describe(self, _request):
        self.asked.append("description")
        if self.broken:
            return web.Response(status=self.broken, text="<html>broken</html>")
        told = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo", "end_session_endpoint": f"{self.issuer}/logout",
        } | self.description  # fmt: skip
        return web.json_response(told)

    async def _keys(self, request):
        self.asked.append("keys")
        encrypting = RSAKey.generate_key(2048, {"kid": "enc", "use": "enc"}).as_dict(private=False)
        listed = [encrypting, {"kty": "new-kind"}, self.published.as_dict(private=False)]
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        for piece in ('{"keys": ', f"{json.dumps(listed)}}}"):
            # Over a real network an answer comes in pieces.
            await answer.write(piece.encode())
            await asyncio.sleep(0.02)
        return answer

    async def _userinfo(self, request):
        assert request.headers["Authorization"] == "Bearer access"
        return web.json_response(self.more or {"sub": self.person["sub"]})

    async def _token(self, request):
        form = dict(await request.post())
        if request.headers.get("Authorization") != _BASIC:
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self.codes.pop(form["code"], None)
        if asked is None or create_s256_code_challenge(form["code_verifier"]) != asked["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        assert form["redirect_uri"] == asked["redirect_uri"]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.person,
        }
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        if self.forges:
            token = forged(claims, self.published)
        else:
            token = jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)
        return web.json_response({"id_token": token, "access_token": "access", "token_type": "Bearer"})


def forged(claims, key):
    """An HS256 token whose secret everybody may read: the classic way to pass off what the provider never signed."""
    parts = ({"alg": "HS256", "kid": key.kid}, claims)
    text = ".".join(_packed(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_packed(hmac.digest(key.as_pem(private=False), text.encode(), 'sha256'))}"


def _packed(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
