"""SMS by RingCentral: a JWT is exchanged for an access token, which is kept until it runs out."""

import asyncio
import base64
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, model_validator

from services.common.config import ConfigError
from services.notifier.channels.base import AUTHENTICATION_FAILED, DeliveryError, Integration, Message, Surroundings
from services.notifier.channels.http import RefusedError
from services.notifier.channels.kit.integration import (
    HttpChannelConfig,
    HttpIntegration,
    at_most_one,
    check_texts,
    check_url,
    field,
    read_key,
)
from services.notifier.channels.kit.segments import fit
from services.notifier.channels.kit.twilio import Number, Numbers

_SERVER = "https://platform.ringcentral.com"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EARLY = 60.0
_UNAUTHORISED = 401
_BAD_LOGINS = ("invalid_grant", "invalid_client", "unauthorized_client")
_MOST_BYTES = 1000


class RingcentralSmsConfig(HttpChannelConfig):
    """One of `ringcentral_sms_configs`."""

    to: Numbers
    from_: Number = Field(alias="from")
    """A number of the extension that the JWT belongs to."""
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    jwt: SecretStr | None = None
    jwt_file: Path | None = None
    server_url: str = _SERVER
    text: str = '{{ template "sms.default.text" . }}'
    max_segments: int = Field(default=2, ge=1, le=6)

    @model_validator(mode="after")
    def _one_source(self) -> "RingcentralSmsConfig":
        at_most_one(self, "client_secret", "client_secret_file")
        at_most_one(self, "jwt", "jwt_file")
        check_url(self.server_url, "server_url")
        return self


class RingcentralSmsIntegration(HttpIntegration):
    """Sends by the extension's own SMS endpoint."""

    def __init__(self, config: RingcentralSmsConfig, around: Surroundings, *, secret: str, jwt: str) -> None:
        self._basic = base64.b64encode(f"{config.client_id}:{secret}".encode()).decode()
        super().__init__(config, around, config.to, (secret, jwt, self._basic))
        self._config, self._jwt, self._server = config, jwt, config.server_url.rstrip("/")
        self._token, self._until = "", 0.0
        self._refreshing = asyncio.Lock()

    async def send(self, message: Message) -> str:
        """See the port; the id is the message's id."""
        text = fit(self._text(message)(self._config.text), self._config.max_segments)
        body = {
            "from": {"phoneNumber": self._config.from_},
            "to": [{"phoneNumber": message.recipient}],
            "text": text[:_MOST_BYTES],
        }
        token = await self._access()
        try:
            answer = await self._post(body, token)
        except RefusedError as error:
            if error.status != _UNAUTHORISED:
                raise
            # It was taken back before its time: one new one, then it is a refusal.
            answer = await self._post(body, await self._access(instead_of=token))
        if field(answer, "messageStatus") in {"SendingFailed", "DeliveryFailed"}:
            raise self._failure("refused", "messageStatus " + field(answer, "messageStatus"), permanent=True)
        return field(answer, "id")

    async def _post(self, body: dict[str, Any], token: str) -> Any:
        url = f"{self._server}/restapi/v1.0/account/~/extension/~/sms"
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        try:
            return await self._json(url, body, headers=headers)
        except DeliveryError as error:
            error.detail = error.detail.replace(token, "<secret>")
            error.args = tuple(str(part).replace(token, "<secret>") for part in error.args)
            raise

    async def _access(self, instead_of: str = "") -> str:
        """Return an access token; raises DeliveryError when there is none to be had."""
        async with self._refreshing:
            now = self._clock.now()
            if self._token and self._token != instead_of and now < self._until:
                return self._token
            headers = {"Authorization": f"Basic {self._basic}", "Accept": "application/json"}
            url = f"{self._server}/restapi/oauth/token"
            try:
                answer = await self._form(url, {"grant_type": _GRANT, "assertion": self._jwt}, headers)
            except RefusedError as error:
                # OAuth says with 400 what others say with 401.
                if not any(word in error.text for word in _BAD_LOGINS):
                    raise
                raise DeliveryError(AUTHENTICATION_FAILED, error.detail) from error
            token, lasts = field(answer, "access_token"), field(answer, "expires_in")
            if not token:
                raise self._failure("server_error", "an answer without access_token", permanent=False)
            self._token, self._until = token, now + max(0.0, float(lasts or 0) - _EARLY)
            return token


class RingcentralSmsChannel:
    """`ringcentral_sms_configs`."""

    key = "ringcentral_sms"
    model = RingcentralSmsConfig
    own = True

    def build(self, config: RingcentralSmsConfig, around: Surroundings) -> Integration:
        """See the port."""
        check_texts(around, {"text": config.text})
        secret = read_key(config.client_secret, config.client_secret_file, around.base)
        jwt = read_key(config.jwt, config.jwt_file, around.base)
        if not secret or not jwt:
            raise ConfigError("no login; set client_secret and jwt, or client_secret_file and jwt_file")
        return RingcentralSmsIntegration(config, around, secret=secret, jwt=jwt)
