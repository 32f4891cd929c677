"""Signed calls of AWS' query APIs: who we are (a role, too), XML answers, and errors told apart by their codes."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode
from xml.parsers import expat

from services.common.clock import Clock
from services.common.config import ConfigError
from services.notifier.channels.base import AUTHENTICATION_FAILED, DeliveryError
from services.notifier.channels.http import Client, RefusedError
from services.notifier.channels.kit.aws_keys import KeySource, Sigv4Config
from services.notifier.channels.kit.sigv4 import Keys, sign

_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_ROLE_LASTS = 900
_EARLY = 60.0
_MOST_XML = 256 * 1024
_MOST_DETAIL = 200
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"})
# Sources: the common errors of the SNS and STS API references, and the codes that botocore's retries call throttling.
_CODES: dict[str, tuple[str, bool]] = {
    **dict.fromkeys(
        ("Throttling", "ThrottlingException", "ThrottledException", "Throttled", "RequestThrottled",
         "RequestThrottledException", "RequestLimitExceeded", "TooManyRequestsException", "BandwidthLimitExceeded",
         "KMSThrottling", "KMSThrottlingException"),
        ("rate_limited", False),
    ),
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "AuthFailure", "AuthorizationError", "AuthorizationErrorException",
         "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSecurity",
         "InvalidSecurityException", "ExpiredToken", "ExpiredTokenException", "KMSAccessDenied",
         "KMSAccessDeniedException", "KMSOptInRequired", "MissingAuthenticationToken", "NotAuthorized",
         "OptInRequired", "RegionDisabledException", "RequestExpired", "SignatureDoesNotMatch",
         "UnrecognizedClientException"),
        (AUTHENTICATION_FAILED, False),
    ),
    **dict.fromkeys(
        ("InternalError", "InternalErrorException", "InternalFailure", "InternalServerError", "RequestTimeout",
         "RequestTimeoutException", "ServiceUnavailable", "PriorRequestNotComplete", "ConcurrentAccess",
         "ConcurrentAccessException"),
        ("server_error", False),
    ),
    **dict.fromkeys(
        ("EndpointDisabled", "EndpointDisabledException", "InvalidAction", "InvalidParameter",
         "InvalidParameterException", "InvalidParameterValue", "InvalidParameterValueException", "MissingParameter",
         "MalformedPolicyDocument", "NotFound", "NotFoundException", "OptedOut", "OptedOutException",
         "PlatformApplicationDisabled", "PlatformApplicationDisabledException", "ValidationError",
         "ValidationException"),
        ("refused", True),
    ),
}  # fmt: skip


class AwsError(DeliveryError):
    """A refusal with AWS' own code, "" where the answer has none."""

    def __init__(self, error: RefusedError) -> None:
        told = parse(error.text)
        self.code = told.get("Code", "")
        reason, permanent = _CODES.get(self.code, (error.reason, error.permanent))
        detail = f"HTTP {error.status} {self.code}: {told.get('Message', '')}" if self.code else error.detail
        retry_after = None if permanent else error.retry_after
        super().__init__(reason, detail[:_MOST_DETAIL], permanent=permanent, retry_after=retry_after)


class Aws:
    """One login at AWS; several calls that need a role's keys at once wait for one request."""

    def __init__(self, config: Sigv4Config, source: KeySource, client: Client, clock: Clock) -> None:
        self._config, self._source, self._client, self._clock = config, source, client, clock
        self.region = source.region
        self._role: Keys | None = None
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def call(self, url: str, service: str, fields: Mapping[str, str]) -> dict[str, str]:
        """Return the answer's texts by their elements' names; raises DeliveryError."""
        if not self._config.role_arn:
            return await self._post(url, service, fields, self._own())
        keys = await self._of_role()
        try:
            return await self._post(url, service, fields, keys)
        except AwsError as error:
            if error.code not in _EXPIRED:
                raise
        # They were taken back before their time: new ones once, then it is a refusal.
        return await self._post(url, service, fields, await self._of_role(instead_of=keys))

    def _own(self) -> Keys:
        try:
            keys = self._source.keys()
        except ConfigError as error:
            raise DeliveryError(AUTHENTICATION_FAILED, str(error)) from error
        self._client.hide_too("own", keys.hidden)
        return keys

    async def _of_role(self, instead_of: Keys | None = None) -> Keys:
        async with self._lock:
            now = self._clock.now()
            if self._role is None or self._role == instead_of or now >= self._until:
                before = self._role
                self._role, self._until = await self._assume()
                # Requests by the keys before may still be under way.
                self._client.hide_too("role", (*self._role.hidden, *(before.hidden if before else ())))
            return self._role

    async def _assume(self) -> tuple[Keys, float]:
        config = self._config
        fields = {
            "Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": config.role_arn, "RoleSessionName": "tocsin",
            "DurationSeconds": str(_ROLE_LASTS), **({"ExternalId": config.external_id} if config.external_id else {}),
        }  # fmt: skip
        host = "sts-fips" if config.use_fips_sts_endpoint else "sts"
        told = await self._post(config.sts_url or endpoint(host, self.region), "sts", fields, self._own())
        try:
            keys = Keys(told["AccessKeyId"], told["SecretAccessKey"], told["SessionToken"])
            return keys, datetime.fromisoformat(told["Expiration"]).timestamp() - _EARLY
        except (KeyError, ValueError) as error:
            raise DeliveryError("server_error", "an answer to AssumeRole without credentials") from error

    async def _post(self, url: str, service: str, fields: Mapping[str, str], keys: Keys) -> dict[str, str]:
        body, now = urlencode(fields).encode(), self._clock.now()
        headers = sign(
            "POST", url, {"Content-Type": _FORM}, body, keys=keys, region=self.region, service=service, at=now
        )
        try:
            return parse((await self._client.post(url, headers=headers, content=body, now=now)).text)
        except RefusedError as error:
            raise AwsError(error) from error


def endpoint(host: str, region: str) -> str:
    """Return the address of a service in a region."""
    return f"https://{host}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}/"


class _DoctypeError(ValueError):
    """XML with a DOCTYPE, which no answer of AWS has: entities could make it grow without end."""


def parse(text: str) -> dict[str, str]:
    """Return the texts of the innermost elements by name, the first of each; {} for what is not AWS' XML."""
    if len(text) > _MOST_XML:
        return {}
    found: dict[str, str] = {}
    parts: list[str] = []

    def start(_name: str, _attributes: dict[str, str]) -> None:
        parts.clear()

    def end(name: str) -> None:
        if value := "".join(parts).strip():
            found.setdefault(name.rpartition(":")[2], value)
        parts.clear()

    def doctype(*_args: object) -> None:
        raise _DoctypeError

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = parts.append, doctype
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, _DoctypeError):
        return {}
    return found
