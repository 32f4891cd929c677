"""The configuration file in alertmanager.yml's form: read, checked, and every mistake named with its line."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr, create_model, field_validator

from services.common.config import ConfigError, StrictModel, validate
from services.common.durations import Duration
from services.common.yaml_source import KeyPath, YamlError, YamlSource, read_yaml
from services.notifier.channels import CHANNELS
from services.notifier.channels.http import HttpConfig, TlsConfig
from services.notifier.matchers import EqualMap, MatcherList, RegexMap
from services.notifier.routing import RouteSpec

_OTHER_RECEIVERS = (
    "discord", "jira", "msteams", "msteamsv2", "opsgenie", "pagerduty", "pushover", "rocketchat", "slack", "sns",
    "telegram", "victorops", "webex", "wechat",
)  # fmt: skip
_GLOBALS_OF_OTHERS = (
    "slack_api_url", "slack_api_url_file", "pagerduty_url", "opsgenie_api_key", "opsgenie_api_key_file",
    "opsgenie_api_url", "victorops_api_key", "victorops_api_key_file", "victorops_api_url", "telegram_api_url",
    "webex_api_url", "wechat_api_url", "wechat_api_secret", "wechat_api_corp_id", "rocketchat_api_url",
    "rocketchat_token", "rocketchat_token_file", "rocketchat_token_id", "rocketchat_token_id_file", "jira_api_url",
)  # fmt: skip


def _not_yet(value: object) -> None:
    if value not in (None, [], {}):
        raise ValueError("Tocsin does not do this yet, and leaving it out silently could lose a page; remove the key")


NotYet = Annotated[None, BeforeValidator(_not_yet)]
"""A key of Alertmanager's that is known but not done: empty is fine, anything else an error."""


class _GlobalBase(StrictModel):
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
    smtp_tls_config: TlsConfig = TlsConfig()
    resolve_timeout: Duration = 300.0
    http_config: HttpConfig = HttpConfig()


class _ReceiverBase(StrictModel):
    name: str = Field(min_length=1)

    def integrations(self) -> list[tuple[str, int, Any]]:
        """Return channel, number and configuration of each integration, in the order of the channels."""
        return [
            (channel.key, number, item)
            for channel in CHANNELS
            for number, item in enumerate(getattr(self, f"{channel.key}_configs"))
        ]


# One field for each channel, and one for each of Alertmanager's receivers that is not a channel here yet.
_others: dict[str, Any] = {
    f"{kind}_configs": (NotYet, None) for kind in _OTHER_RECEIVERS if kind not in {channel.key for channel in CHANNELS}
}
_ours: dict[str, Any] = {f"{channel.key}_configs": (tuple[channel.model, ...], ()) for channel in CHANNELS}  # type: ignore[name-defined]  # the models are only known at run time
GlobalConfig: type[_GlobalBase] = create_model(
    "GlobalConfig", __base__=_GlobalBase, **dict.fromkeys(_GLOBALS_OF_OTHERS, (NotYet, None))
)  # type: ignore[call-overload]  # as above
ReceiverConfig: type[_ReceiverBase] = create_model("ReceiverConfig", __base__=_ReceiverBase, **_ours, **_others)


class RouteConfig(StrictModel):
    """A node of the routing tree."""

    receiver: str | None = None
    match: EqualMap = ()
    match_re: RegexMap = ()
    matchers: MatcherList = ()
    group_by: tuple[str, ...] | None = None
    continue_: bool = Field(default=False, alias="continue")
    group_wait: Duration | None = Field(default=None, ge=0)
    group_interval: Duration | None = Field(default=None, gt=0)
    repeat_interval: Duration | None = Field(default=None, gt=0)
    mute_time_intervals: NotYet = None
    active_time_intervals: NotYet = None
    routes: tuple["RouteConfig", ...] = ()

    @field_validator("group_by")
    @classmethod
    def _once(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if names is not None and names.count(name) > 1:
                raise ValueError(f"{name!r} stands twice")
        if names is not None and "..." in names and len(names) > 1:
            raise ValueError("'...' (all labels) can't stand with other labels")
        return names

    def spec(self) -> RouteSpec:
        """Return the node for the pure tree."""
        return RouteSpec(
            receiver=self.receiver,
            matchers=(*self.match, *self.match_re, *self.matchers),
            group_by=self.group_by,
            continues=self.continue_,
            wait=self.group_wait,
            interval=self.group_interval,
            repeat=self.repeat_interval,
            routes=tuple(route.spec() for route in self.routes),
        )


class AlertmanagerConfig(StrictModel):
    """The whole file."""

    global_: GlobalConfig = Field(default_factory=GlobalConfig, alias="global")
    route: RouteConfig
    receivers: tuple[ReceiverConfig, ...]
    templates: tuple[str, ...] = ()
    inhibit_rules: NotYet = None
    time_intervals: NotYet = None
    mute_time_intervals: NotYet = None
    tracing: NotYet = None


def check(config: AlertmanagerConfig) -> list[tuple[KeyPath, str]]:
    """Return what is wrong across the file's parts, each with its place."""
    problems: list[tuple[KeyPath, str]] = []
    names = [receiver.name for receiver in config.receivers]
    for index, name in enumerate(names):
        if name in names[:index]:
            problems.append((("receivers", index, "name"), f"receiver {name!r} is defined twice"))
    root = config.route
    if root.receiver is None:
        problems.append((("route",), "the root route must name a receiver"))
    if root.match or root.match_re or root.matchers:
        problems.append((("route",), "the root route must not have matchers: it takes what no other route takes"))
    if root.continue_:
        problems.append((("route", "continue"), "the root route can't continue: nothing comes after it"))
    _check_receivers(root, ("route",), names, problems)
    return problems


def _check_receivers(route: RouteConfig, path: KeyPath, names: list[str], problems: list[tuple[KeyPath, str]]) -> None:
    if route.receiver is not None and route.receiver not in names:
        known = ", ".join(names) or "none"
        problems.append(((*path, "receiver"), f"receiver {route.receiver!r} is not defined; defined are: {known}"))
    for index, child in enumerate(route.routes):
        _check_receivers(child, (*path, "routes", index), names, problems)


def load(path: Path) -> tuple[AlertmanagerConfig, YamlSource]:
    """Read and check a file; raises ConfigError with a line for each mistake."""
    try:
        source = read_yaml(path)
    except YamlError as error:
        raise ConfigError(str(error)) from error
    return read(source), source


def read(source: YamlSource) -> AlertmanagerConfig:
    """Check a parsed document; raises ConfigError with a line for each mistake."""
    if not isinstance(source.data, dict):
        raise ConfigError(str(source.error((), "must be a mapping with route and receivers")))
    config = validate(AlertmanagerConfig, source.data, source, ())
    if problems := check(config):
        raise ConfigError("\n".join(str(source.error(place, problem)) for place, problem in problems))
    return config
