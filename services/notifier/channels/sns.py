"""Amazon SNS: publishes to a topic, a phone number or an app's endpoint."""

import hashlib
import re

from pydantic import Field, model_validator

from services.notifier.channels.base import DeliveryError, Integration, Message, Surroundings
from services.notifier.channels.kit.aws import Aws, endpoint
from services.notifier.channels.kit.aws_keys import KeySource, Sigv4Config
from services.notifier.channels.kit.integration import HttpChannelConfig, HttpIntegration, check_texts, check_url
from services.notifier.channels.kit.texts import Text

_TARGETS = {"topic_arn": "TopicArn", "phone_number": "PhoneNumber", "target_arn": "TargetArn"}
# Sources: SNS API Reference, Publish; SNS Developer Guide, message attributes (their parts count, too).
_MOST_BYTES = 256 * 1024
_MOST_SMS = 1600
_MOST_SUBJECT = 99
_TRUNCATED = "truncated"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class SnsConfig(HttpChannelConfig):
    """One of `sns_configs`; every text is a template."""

    api_url: str = ""
    sigv4: Sigv4Config = Sigv4Config()
    topic_arn: str = ""
    phone_number: str = ""
    target_arn: str = ""
    subject: str = '{{ template "sns.default.subject" . }}'
    message: str = '{{ template "sns.default.message" . }}'
    attributes: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_target(self) -> "SnsConfig":
        if sum(bool(getattr(self, name)) for name in _TARGETS) != 1:
            raise ValueError(f"give exactly one of {', '.join(_TARGETS)}")
        if self.api_url and "{{" not in self.api_url:
            check_url(self.api_url, "api_url")
        return self

    @property
    def target(self) -> str:
        """The name of the one key that says where messages go."""
        return next(name for name in _TARGETS if getattr(self, name))


class SnsIntegration(HttpIntegration):
    """Requests of the action Publish."""

    def __init__(self, config: SnsConfig, around: Surroundings, source: KeySource) -> None:
        super().__init__(config, around, (getattr(config, config.target),), source.keys().hidden)
        self._config = config
        self._aws = Aws(config.sigv4, source, self._client, self._clock)

    async def send(self, message: Message) -> str:
        """See the port; the id is SNS' MessageId."""
        text = self._text(message)
        answer = await self._aws.call(self._url(text), "sns", self._fields(message, text))
        if "MessageId" not in answer:
            raise DeliveryError("server_error", "an answer without MessageId")
        return answer["MessageId"]

    def _url(self, text: Text) -> str:
        url = text(self._config.api_url).strip() or endpoint("sns", self._aws.region)
        try:
            return check_url(url, "api_url")
        except ValueError as error:
            raise DeliveryError("invalid_url", str(error), permanent=True) from error

    def _fields(self, message: Message, text: Text) -> dict[str, str]:
        config = self._config
        target = text(getattr(config, config.target)).strip()
        if not target:
            raise DeliveryError("template_failed", f"{config.target} comes out empty", permanent=True)
        fields = {"Action": "Publish", "Version": "2010-03-31", _TARGETS[config.target]: target}
        if config.target == "topic_arn" and target.endswith(".fifo"):
            # By the group, messages stay in order; by the delivery, a retry is no second message but a resolve is.
            fields["MessageGroupId"] = _digest(message.group_key)
            fields["MessageDeduplicationId"] = _digest(message.delivery_id)
        if subject := _CONTROLS.sub(" ", text(config.subject)).strip()[:_MOST_SUBJECT]:
            fields["Subject"] = subject
        attributes = {text(name).strip(): value for name, value in text.all(config.attributes).items()}
        fields["Message"], attributes = fitted(
            text(config.message), {name: value for name, value in attributes.items() if name},
            sms=config.target == "phone_number",
        )  # fmt: skip
        for number, (name, value) in enumerate(attributes.items(), 1):
            entry = f"MessageAttributes.entry.{number}"
            fields |= {f"{entry}.Name": name, f"{entry}.Value.DataType": "String", f"{entry}.Value.StringValue": value}
        return fields


def fitted(text: str, attributes: dict[str, str], *, sms: bool) -> tuple[str, dict[str, str]]:
    """Return the text as long as SNS takes it, and the attributes, of which `truncated` says that it was cut."""
    if sms:
        return (text, attributes) if len(text) <= _MOST_SMS else (text[:_MOST_SMS], {**attributes, _TRUNCATED: "true"})
    encoded = text.encode()
    if len(encoded) <= _MOST_BYTES - _size(attributes):
        return text, attributes
    attributes = {**attributes, _TRUNCATED: "true"}
    return encoded[: max(0, _MOST_BYTES - _size(attributes))].decode(errors="ignore"), attributes


def _size(attributes: dict[str, str]) -> int:
    return sum(len(f"{name}String{value}".encode()) for name, value in attributes.items())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class SnsChannel:
    """`sns_configs`."""

    key = "sns"
    model = SnsConfig

    def build(self, config: SnsConfig, around: Surroundings) -> Integration:
        """See the port."""
        names = ("api_url", *_TARGETS, "subject", "message")
        check_texts(around, {name: getattr(config, name) for name in names})
        for name, value in config.attributes.items():
            check_texts(around, {f"attributes.{name}": value, f"attributes: {name}": name})
        return SnsIntegration(config, around, KeySource(config.sigv4, around.base, around.environ))
