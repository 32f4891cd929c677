"""The configuration file in alertmanager.yml's form: read, checked, and every mistake named with its line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr, create_model

from services.common.config import ConfigError, validate
from services.common.durations import Duration
from services.common.yaml_source import YamlError, YamlSource, read_yaml
from services.notifier.channels import CHANNELS
from services.notifier.channels.http import HttpConfig, TlsConfig
from services.notifier.gate import Muting
from services.notifier.people.file import PeopleFile, PeopleKeys, check_people
from services.notifier.shown import OWN
from services.notifier.time_intervals import NamedInterval
from services.notifier.tree_config import FileModel, InhibitRuleConfig, Problem, RouteConfig, check_names, check_root

_RECEIVERS = (
    "discord", "email", "incidentio", "jira", "mattermost", "msteams", "msteamsv2", "opsgenie", "pagerduty",
    "pushover", "rocketchat", "slack", "sns", "telegram", "victorops", "webex", "webhook", "wechat",
)  # fmt: skip
_GLOBALS = (
    "slack_api_url", "slack_api_url_file", "slack_app_token", "slack_app_token_file", "slack_app_url",
    "pagerduty_url", "opsgenie_api_key", "opsgenie_api_key_file", "opsgenie_api_url", "victorops_api_key",
    "victorops_api_key_file", "victorops_api_url", "telegram_api_url", "telegram_bot_token",
    "telegram_bot_token_file", "webex_api_url", "wechat_api_url", "wechat_api_secret", "wechat_api_secret_file",
    "wechat_api_corp_id", "rocketchat_api_url", "rocketchat_token", "rocketchat_token_file", "rocketchat_token_id",
    "rocketchat_token_id_file", "jira_api_url", "mattermost_webhook_url", "mattermost_webhook_url_file",
)  # fmt: skip


def _no_channel() -> Any:
    """Return the type of Alertmanager's receiver that is no channel here: empty is fine, anything else an error."""

    def check(value: object) -> None:
        if value not in (None, [], {}):
            known = ", ".join(f"{channel.key}_configs" for channel in CHANNELS)
            raise ValueError(f"Tocsin has no such channel, so this would page nobody; remove the key, or use: {known}")

    return Annotated[None, BeforeValidator(check)]


Unused = Annotated[None, BeforeValidator(lambda _value: None)]
"""A key that only a channel which we do not have would read, or that has no effect here."""


class _GlobalBase(FileModel):
    smtp_from: str = ""
    smtp_smarthost: str = ""
    smtp_hello: str = "localhost"
    smtp_auth_username: str = ""
    smtp_auth_password: SecretStr | None = None
    smtp_auth_password_file: Path | None = None
    smtp_auth_identity: str = ""
    smtp_auth_secret: SecretStr | None = None
    smtp_auth_secret_file: Path | None = None
    smtp_require_tls: bool = True
    smtp_force_implicit_tls: bool | None = None
    smtp_tls_config: TlsConfig = TlsConfig()
    resolve_timeout: Duration = 300.0
    http_config: HttpConfig = HttpConfig()


class _ReceiverBase(PeopleKeys):
    name: str = Field(min_length=1)

    def integrations(self) -> list[tuple[str, int, Any]]:
        """Return channel, number and configuration of each integration, in the order of the channels."""
        return [
            (channel.key, number, item)
            for channel in CHANNELS
            for number, item in enumerate(getattr(self, f"{channel.key}_configs"))
        ]


def _channel_globals() -> dict[str, Any]:
    # A channel may bring keys of its own into `global`: the fields of its `global_model`.
    found: dict[str, Any] = dict.fromkeys(_GLOBALS, (Unused, None))
    for channel in CHANNELS:
        if (model := getattr(channel, "global_model", None)) is not None:
            found |= {name: (info.annotation, info) for name, info in model.model_fields.items()}
    return found


# One field for each channel, and one for each of Alertmanager's receivers that is not a channel here.
_others: dict[str, Any] = {
    f"{kind}_configs": (_no_channel(), None) for kind in _RECEIVERS if kind not in {channel.key for channel in CHANNELS}
}
_ours: dict[str, Any] = {
    f"{channel.key}_configs": (
        tuple[channel.model, ...],  # type: ignore[name-defined]  # the models are only known at run time
        Field(default=(), json_schema_extra=OWN if getattr(channel, "own", False) else None),
    )
    for channel in CHANNELS
}
GlobalConfig: type[_GlobalBase] = create_model("GlobalConfig", __base__=_GlobalBase, **_channel_globals())
ReceiverConfig: type[_ReceiverBase] = create_model("ReceiverConfig", __base__=_ReceiverBase, **_ours, **_others)


class AlertmanagerConfig(PeopleFile):
    """The whole file."""

    global_: GlobalConfig = Field(default_factory=GlobalConfig, alias="global")
    route: RouteConfig
    receivers: tuple[ReceiverConfig, ...]
    templates: tuple[str, ...] = ()
    inhibit_rules: tuple[InhibitRuleConfig, ...] = ()
    time_intervals: tuple[NamedInterval, ...] = ()
    mute_time_intervals: tuple[NamedInterval, ...] = ()
    """The old name of `time_intervals`."""
    tracing: Unused = None

    @property
    def intervals(self) -> tuple[NamedInterval, ...]:
        """The time intervals under both names."""
        return self.time_intervals + self.mute_time_intervals

    def muting(self) -> Muting:
        """Return what holds messages back."""
        return Muting(
            tuple(item.rule() for item in self.inhibit_rules), {interval.name: interval for interval in self.intervals}
        )


def check(config: AlertmanagerConfig) -> Iterator[Problem]:
    """Yield what is wrong across the file's parts, each with its place."""
    receivers = [receiver.name for receiver in config.receivers]
    yield from _doubled(receivers, "receivers", "receiver")
    intervals = [interval.name for interval in config.time_intervals]
    old = [interval.name for interval in config.mute_time_intervals]
    yield from _doubled(intervals, "time_intervals", "time interval")
    yield from _doubled(old, "mute_time_intervals", "time interval", also=intervals)
    yield from check_people(config, [(receiver.name, receiver) for receiver in config.receivers])
    yield from check_root(config.route)
    yield from check_names(config.route, ("route",), receivers, intervals + old)


def _doubled(names: list[str], key: str, what: str, *, also: list[str] | None = None) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name in names[:index] or name in (also or ()):
            yield (key, index, "name"), f"{what} {name!r} is defined twice"


def load(path: Path) -> tuple[AlertmanagerConfig, YamlSource]:
    """Read and check a file; raises ConfigError with a line for each mistake."""
    try:
        source = read_yaml(path, as_written=True)
    except YamlError as error:
        raise ConfigError(str(error)) from error
    return read(source), source


def read(source: YamlSource) -> AlertmanagerConfig:
    """Check a parsed document; raises ConfigError with a line for each mistake."""
    if not isinstance(source.data, dict):
        raise ConfigError(str(source.error((), "must be a mapping with route and receivers")))
    config = validate(AlertmanagerConfig, source.data, source, ())
    if problems := list(check(config)):
        raise ConfigError("\n".join(str(source.error(place, problem)) for place, problem in problems))
    return config
