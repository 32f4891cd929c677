"""Where targets come from: the config itself, and files that are watched."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from services.common.yaml_source import read_yaml
from services.evaluator.scrape.config import FileSdConfig, ScrapeConfig, StaticConfig
from services.evaluator.scrape.targets import TargetGroup

log = structlog.get_logger(__name__)
_GROUPS: TypeAdapter[list[StaticConfig]] = TypeAdapter(list[StaticConfig])


def static_groups(config: ScrapeConfig) -> list[TargetGroup]:
    """Return the groups of `static_configs`."""
    return [
        TargetGroup(tuple(one.targets), one.labels, f"static/{index}")
        for index, one in enumerate(config.static_configs)
    ]


class FileDiscovery:
    """Groups of `file_sd_configs`; a file that can't be read keeps its last good groups."""

    def __init__(self, configs: Sequence[FileSdConfig], base: Path) -> None:
        self.patterns = [base / file for config in configs for file in config.files]
        self.refresh = min((config.refresh_interval for config in configs), default=0.0)
        self.broken: dict[str, str] = {}
        self._good: dict[str, list[TargetGroup]] = {}

    def read(self) -> list[TargetGroup]:
        """Read all files that the patterns name now."""
        paths = sorted({path for pattern in self.patterns for path in glob.glob(str(pattern))})  # noqa: PTH207 - absolute patterns
        good: dict[str, list[TargetGroup]] = {}
        broken: dict[str, str] = {}
        for path in paths:
            try:
                good[path] = _read(Path(path))
            except ValueError as error:
                good[path] = self._good.get(path, [])
                broken[path] = str(error)
                if self.broken.get(path) != broken[path]:
                    log.warning("target_file_refused", file=path, error=broken[path])
        self._good, self.broken = good, broken
        return [group for groups in good.values() for group in groups]


def _read(path: Path) -> list[TargetGroup]:
    source = read_yaml(path, as_written=True)
    data: Any = source.data or []
    try:
        groups = _GROUPS.validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = first["loc"]
        raise source.error(
            where, f"{'.'.join(map(str, where))}: {first['msg'].removeprefix('Value error, ')}"
        ) from error
    return [
        TargetGroup(tuple(group.targets), {**group.labels, "__meta_filepath": str(path)}, f"{path}:{index}")
        for index, group in enumerate(groups)
    ]
