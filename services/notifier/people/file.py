"""The people's keys of the configuration file: contacts, schedules, escalation policies, storm."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import Field, create_model, model_validator

from services.common.durations import Duration
from services.notifier.channels import CHANNELS
from services.notifier.people.contacts import RateLimit, Storm
from services.notifier.people.fields import Severities, every_severity
from services.notifier.people.policies import Policy, Target
from services.notifier.people.quiet_hours import QuietHours
from services.notifier.people.schedules import Schedule
from services.notifier.shown import OWN
from services.notifier.tree_config import FileModel, Problem

_KEYS = tuple(channel.key for channel in CHANNELS)


class _ContactChannelBase(FileModel):
    severities: Severities = Field(default_factory=every_severity)
    """The severities that this channel takes."""

    @model_validator(mode="after")
    def _one(self) -> "_ContactChannelBase":
        if len(self.model_fields_set & set(_KEYS)) != 1:
            raise ValueError(f"name one channel, like email: {{}}; known are: {', '.join(_KEYS)}")
        return self

    @property
    def channel(self) -> tuple[str, Any]:
        """The channel's key and its configuration."""
        (key,) = self.model_fields_set & set(_KEYS)
        return key, getattr(self, key)


_channels: dict[str, Any] = {channel.key: (channel.model | None, None) for channel in CHANNELS}
ContactChannel: type[_ContactChannelBase] = create_model("ContactChannel", __base__=_ContactChannelBase, **_channels)


class ContactConfig(FileModel):
    """Somebody who can be told."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.@+-]+$")
    full_name: str = ""
    email: str = ""
    phone: str = ""
    """With the country's code: `+4930123456`."""
    channels: tuple[ContactChannel, ...] = ()
    """In the order in which they are used; `to` of each is the contact's own address unless it is given."""
    deliver: Literal["first", "all"] = "first"
    """first: by the first channel that takes the severity; all: by each that does."""
    fallback_after: Duration = Field(default=120.0, ge=0)
    """A channel that fails for so long is left for the next one."""
    quiet_hours: tuple[QuietHours, ...] = ()
    rate_limit: RateLimit | None = None
    storm: Storm | None = Storm()

    @model_validator(mode="before")
    @classmethod
    def _addressed(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("channels"), list | tuple):
            return data
        if isinstance(data.get("quiet_hours"), dict):
            data = {**data, "quiet_hours": [data["quiet_hours"]]}
        return {**data, "channels": [_with_address(item, data) for item in data["channels"]]}


def _with_address(item: Any, contact: dict[Any, Any]) -> Any:
    if not isinstance(item, dict):
        return item
    found = dict(item)
    for channel in CHANNELS:
        given = item.get(channel.key, item)
        if given is None:
            given = found[channel.key] = {}
        address = contact.get("email" if channel.key == "email" else "phone")
        if given is not item and isinstance(given, dict) and address and "to" in channel.model.model_fields:
            found[channel.key] = {"to": address, **given}
    return found


class ContactRef(FileModel):
    """One of a receiver's `contact_configs`."""

    contact: str


class ScheduleRef(FileModel):
    """One of a receiver's `schedule_configs`: whoever is on call."""

    schedule: str


class PolicyRef(FileModel):
    """One of a receiver's `escalation_configs`."""

    policy: str


class StormConfig(Storm):
    """For the receivers' own channels; contacts have a storm of their own."""

    except_receivers: tuple[str, ...] = ()
    """Machines that want every alert by itself."""


class PeopleKeys(FileModel):
    """What a receiver may have beside channels."""

    contact_configs: tuple[ContactRef, ...] = Field(default=(), json_schema_extra=OWN)
    schedule_configs: tuple[ScheduleRef, ...] = Field(default=(), json_schema_extra=OWN)
    escalation_configs: tuple[PolicyRef, ...] = Field(default=(), json_schema_extra=OWN)


class PeopleFile(FileModel):
    """The file's own keys about people."""

    contacts: tuple[ContactConfig, ...] = Field(default=(), json_schema_extra=OWN)
    schedules: tuple[Schedule, ...] = Field(default=(), json_schema_extra=OWN)
    escalation_policies: tuple[Policy, ...] = Field(default=(), json_schema_extra=OWN)
    storm: StormConfig | None = Field(default=None, json_schema_extra=OWN)


def check_people(file: PeopleFile, receivers: Sequence[tuple[str, PeopleKeys]]) -> Iterator[Problem]:
    """Yield names that are used and not defined, or defined twice."""
    names = {
        "contact": [one.name for one in file.contacts],
        "schedule": [one.name for one in file.schedules],
        "policy": [one.name for one in file.escalation_policies],
        "receiver": [name for name, _ in receivers],
    }
    places = (("contacts", "contact"), ("schedules", "schedule"), ("escalation_policies", "policy"))
    for key, what in places:
        for index, name in enumerate(names[what]):
            if name in names[what][:index]:
                yield (key, index, "name"), f"{what} {name!r} is defined twice"
    for index, (_, keys) in enumerate(receivers):
        for kind, key in (("contact", "contact"), ("schedule", "schedule"), ("escalation", "policy")):
            for number, ref in enumerate(getattr(keys, f"{kind}_configs")):
                place = ("receivers", index, f"{kind}_configs", number, key)
                yield from _unknown(names, key, getattr(ref, key), place)
    for index, policy in enumerate(file.escalation_policies):
        yield from _policy(policy, index, names)
    for index, schedule in enumerate(file.schedules):
        yield from _schedule(schedule, index, names)
    for number, name in enumerate(file.storm.except_receivers if file.storm else ()):
        yield from _unknown(names, "receiver", name, ("storm", "except_receivers", number))


def _policy(policy: Policy, index: int, names: dict[str, list[str]]) -> Iterator[Problem]:
    for at, step in enumerate(policy.steps):
        place = ("escalation_policies", index, "steps", at)
        for number, target in enumerate(step.notify):
            yield from _unknown(names, target.kind, target.name, (*place, "notify", number, target.kind))
        for number, channel in enumerate(step.channels):
            if channel not in _KEYS:
                yield (*place, "channels", number), f"{channel!r} is no channel; known are: {', '.join(_KEYS)}"


def _schedule(schedule: Schedule, index: int, names: dict[str, list[str]]) -> Iterator[Problem]:
    for at, rotation in enumerate(schedule.rotations):
        for number, member in enumerate(rotation.members):
            place = ("schedules", index, "rotations", at, "members", number)
            yield from _unknown(names, "contact", member, place)
    for at, override in enumerate(schedule.overrides):
        for key in ("contact", "instead_of"):
            if (name := getattr(override, key)) is not None:
                yield from _unknown(names, "contact", name, ("schedules", index, "overrides", at, key))


def _unknown(names: dict[str, list[str]], what: str, name: str, place: tuple[str | int, ...]) -> Iterator[Problem]:
    if name not in names[what]:
        yield place, f"{what} {name!r} is not defined; defined are: {', '.join(names[what]) or 'none'}"


def targets_of(keys: PeopleKeys) -> tuple[Target, ...]:
    """Return whom a receiver names directly."""
    contacts = tuple(Target(contact=one.contact) for one in keys.contact_configs)
    return (*contacts, *(Target(schedule=one.schedule) for one in keys.schedule_configs))
