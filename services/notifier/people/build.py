"""From the file's people keys to a directory, with each contact's channels built."""

from collections.abc import Callable, Sequence
from typing import Any

from services.common.config import ConfigError
from services.common.yaml_source import KeyPath, YamlSource
from services.notifier.channels.base import Integration
from services.notifier.people.contacts import Contact, Way, receiver_of
from services.notifier.people.directory import Directory, Gap, Reached
from services.notifier.people.file import ContactConfig, PeopleFile, PeopleKeys, targets_of

Built = dict[tuple[str, str], Integration]
Builder = Callable[[str, Any, str], Integration]
"""Builds a channel's integration from its key, its configuration and the receiver's name; raises ConfigError."""


def build_directory(
    file: PeopleFile, receivers: Sequence[tuple[str, PeopleKeys]], source: YamlSource, build: Builder
) -> tuple[Directory, Built]:
    """Return the directory and the contacts' integrations; raises ConfigError with the line of each mistake."""
    integrations: Built = {}
    contacts: dict[str, Contact] = {}
    for index, config in enumerate(file.contacts):
        contacts[config.name] = _contact(config, ("contacts", index), source, build, integrations)
    reached = {
        name: Reached(targets_of(keys), tuple(one.policy for one in keys.escalation_configs))
        for name, keys in receivers
        if keys.contact_configs or keys.schedule_configs or keys.escalation_configs
    }
    directory = Directory(
        contacts,
        {one.name: one for one in file.schedules},
        {one.name: one for one in file.escalation_policies},
        reached,
        file.storm,
        frozenset(file.storm.except_receivers if file.storm else ()),
    )
    return directory, integrations


def _contact(config: ContactConfig, path: KeyPath, source: YamlSource, build: Builder, integrations: Built) -> Contact:
    ways = []
    counts: dict[str, int] = {}
    for number, item in enumerate(config.channels):
        key, settings = item.channel
        name = f"{key}/{counts.get(key, 0)}"
        counts[key] = counts.get(key, 0) + 1
        try:
            built = build(key, settings, receiver_of(config.name))
        except ConfigError as error:
            place = (*path, "channels", number, key)
            raise ConfigError(str(source.error(place, f"contact {config.name!r}: {error}"))) from error
        integrations[receiver_of(config.name), name] = built
        way = Way(name, key, tuple(built.recipients), item.severities, built.send_resolved)
        ways.append(way._replace(follows=getattr(built, "follows", way.follows)))
    return Contact(
        config.name, config.full_name, tuple(ways), config.deliver, config.fallback_after, config.quiet_hours,
        config.rate_limit, config.storm,
    )  # fmt: skip


def told_gap(gap: Gap, source: YamlSource) -> str:
    """Return a gap as a line for people, with the place where the file names it."""
    items = source.data.get(gap.what, ()) if isinstance(source.data, dict) else ()
    index = next((number for number, item in enumerate(items) if item.get("name") == gap.name), 0)
    return str(source.error((gap.what, index), f"{gap.name!r} {gap.problem}"))


def places(source: YamlSource) -> dict[tuple[str, str], str]:
    """Return `file:line` of each contact, schedule, policy and receiver, by the file's key and the name."""
    found = {}
    for what in ("contacts", "schedules", "escalation_policies", "receivers"):
        items = source.data.get(what) if isinstance(source.data, dict) else None
        for index, item in enumerate(items or ()):
            line, _ = source.position((what, index))
            found[what, str(item.get("name"))] = f"{source.file}:{line}"
    return found
