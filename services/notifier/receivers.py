"""One configuration in force: its tree, and the integrations that were built for it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from pydantic import BaseModel

from services.common.clock import Clock
from services.common.config import ConfigError
from services.common.yaml_source import YamlSource
from services.notifier import alertmanager
from services.notifier.alertmanager import AlertmanagerConfig
from services.notifier.channels import CHANNELS
from services.notifier.channels.base import Integration, Surroundings
from services.notifier.channels.kit.memory import Memory
from services.notifier.config import NotifierConfig
from services.notifier.gate import Muting
from services.notifier.links import Links
from services.notifier.messages import Messages
from services.notifier.people.build import build_directory, places, told_gap
from services.notifier.people.directory import Directory, gaps
from services.notifier.posting import IntegrationInfo, Receivers
from services.notifier.queue import Target
from services.notifier.routing import Route, build_tree
from services.notifier.shown import shown

log = structlog.get_logger(__name__)


@dataclass
class Generation:
    """What one reading of the configuration gave; closed when it is out of force and nothing uses it any more."""

    config: AlertmanagerConfig
    tree: Route
    receivers: Receivers
    integrations: dict[Target, Integration]
    stack: AsyncExitStack
    directory: Directory = field(default_factory=Directory)
    """People, their schedules and policies."""
    gaps: tuple[str, ...] = ()
    """What would reach nobody, each with its place in the file."""
    written: Any = None
    """The file's content as it was read."""
    files: tuple[Path, ...] = ()
    """What a change of it should bring into force: the file itself, its templates (globs in the last part), secrets."""
    places: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """`file:line` of contacts, schedules, policies and receivers, by the file's key and the name."""
    users: int = 0
    retired: bool = False
    closed: bool = field(default=False)

    async def done(self) -> None:
        """Close what it holds if it is out of force and unused."""
        if self.retired and self.users == 0 and not self.closed:
            self.closed = True
            await self.stack.aclose()

    async def retire(self) -> None:
        """Take it out of force."""
        self.retired = True
        await self.done()

    def shown(self) -> str:
        """Return the configuration as YAML with every secret hidden."""
        return shown(self.config, self.written)

    @property
    def muting(self) -> Muting:
        """What holds messages back."""
        return self.config.muting()


async def build_generation(
    settings: NotifierConfig,
    *,
    base: Path,
    external_url: str,
    clock: Clock,
    memory: Memory | None = None,
    links: Links | None = None,
) -> Generation:
    """Read the configuration and build its integrations; raises ConfigError with a line for each mistake."""
    if settings.config is not None:
        source = YamlSource("notifier.config", settings.config, {})
        config = alertmanager.read(source)
        folder, files = base, []
    else:
        path = base / settings.config_file
        config, source = alertmanager.load(path)
        folder, files = path.parent, [path]
    stack = AsyncExitStack()
    try:
        messages = Messages(
            _template_files(config, folder), external_url=external_url, zone=ZoneInfo(settings.time_zone)
        )
        around = Surroundings(config.global_, folder, messages, clock, stack, memory or Memory(clock), links=links)
        receivers, integrations = _build(config, source, around)
        people = [(receiver.name, receiver) for receiver in config.receivers]
        directory, theirs = build_directory(config, people, source, _builder(around))
    except BaseException:
        await stack.aclose()
        raise
    watched = (*files, *(folder / pattern for pattern in config.templates), *_named_files(config, folder))
    return Generation(
        config, build_tree(config.route.spec()), receivers, {**integrations, **theirs}, stack, directory,
        tuple(told_gap(gap, source) for gap in gaps(directory, clock.now())), source.data, watched,
        places(source),
    )  # fmt: skip


def _named_files(value: Any, folder: Path) -> Iterator[Path]:
    """Yield secrets and certificates that the configuration names: they are exchanged while we run."""
    match value:
        case Path():
            yield folder / value
        case BaseModel():
            for name in type(value).model_fields:
                yield from _named_files(getattr(value, name), folder)
        case dict():
            for one in value.values():
                yield from _named_files(one, folder)
        case tuple() | list():
            for one in value:
                yield from _named_files(one, folder)


def _builder(around: Surroundings) -> Callable[[str, Any, str], Integration]:
    channels = {channel.key: channel for channel in CHANNELS}
    return lambda key, item, receiver: channels[key].build(item, replace(around, receiver=receiver))


def _template_files(config: AlertmanagerConfig, folder: Path) -> list[Path]:
    found: list[Path] = []
    for pattern in config.templates:
        path = Path(pattern)
        root, relative = (Path(path.anchor), path.relative_to(path.anchor)) if path.is_absolute() else (folder, path)
        files = sorted(root.glob(str(relative)))
        if not files:
            log.warning("templates_not_found", pattern=pattern)
        found += files
    return found


def _build(
    config: AlertmanagerConfig, source: YamlSource, around: Surroundings
) -> tuple[Receivers, dict[Target, Integration]]:
    channels = {channel.key: channel for channel in CHANNELS}
    receivers: Receivers = {}
    integrations: dict[Target, Integration] = {}
    for index, receiver in enumerate(config.receivers):
        infos, own = [], replace(around, receiver=receiver.name)
        for key, number, item in receiver.integrations():
            name = f"{key}/{number}"
            try:
                built = channels[key].build(item, own)
            except ConfigError as error:
                place = ("receivers", index, f"{key}_configs", number)
                raise ConfigError(str(source.error(place, f"receiver {receiver.name!r}: {error}"))) from error
            integrations[receiver.name, name] = built
            info = IntegrationInfo(name, key, built.send_resolved, built.recipients)
            infos.append(replace(info, follows=getattr(built, "follows", info.follows)))
        receivers[receiver.name] = tuple(infos)
    return receivers, integrations
