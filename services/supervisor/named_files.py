"""The files that a configuration names: the routing, without which nobody is paged, the rules, own SQL metrics."""

import asyncio
from pathlib import Path

from services.common.clock import SystemClock
from services.common.config import ConfigError, ConfigFile
from services.evaluator.config import EvaluatorConfig
from services.notifier.config import NotifierConfig

_NO_ROUTING = (
    "notifier: no routing is given, so nobody could be paged; write a file in Alertmanager's form there, "
    "name another by notifier.config_file, or write it as notifier.config"
)


def check_routing(config: ConfigFile, *, base: Path) -> list[str]:
    """Build the notifier's routing once, and close it; raises ConfigError with a line for each mistake.

    Returns what is right but would reach nobody, `file:line:column: …`.
    """
    from services.notifier.receivers import build_generation  # noqa: PLC0415 - its channels are costly to import

    settings = config.section("notifier", NotifierConfig)
    path = base / settings.config_file
    if settings.config is None and not path.exists():
        raise ConfigError(f"{path}:1:1: there is no such file. {_NO_ROUTING}")

    async def build() -> list[str]:
        url = config.shared().external_url
        generation = await build_generation(settings, base=base, external_url=url, clock=SystemClock())
        await generation.stack.aclose()
        return list(generation.gaps)

    return asyncio.run(build())


def check_rules(config: ConfigFile, *, base: Path) -> list[str]:
    """Return the errors of the rule files, `file:line:column: …`, and each pattern that names no file."""
    from services.evaluator.check import check_files  # noqa: PLC0415 - brings the PromQL engine
    from services.evaluator.rules.loader import find_files  # noqa: PLC0415

    patterns = config.section("evaluator", EvaluatorConfig).rule_files
    missing = [
        f"{config.path}: evaluator.rule_files: {pattern} names no file below {base}"
        for pattern in patterns
        if not find_files([pattern], base)
    ]
    problems = check_files(find_files(patterns, base))
    return [*missing, *(str(problem) for problem in problems if problem.severity == "error")]


def check_sql(config: ConfigFile, *, base: Path) -> list[str]:
    """Return the errors of the files of own SQL metrics, `file:line:column: …`."""
    from services.collector.config import CollectorConfig  # noqa: PLC0415 - brings the clients of all sources
    from services.collector.sources.sql.files import read_files  # noqa: PLC0415

    problems = []
    for kind, target in config.section("collector", CollectorConfig).targets.pairs():
        if kind == "sql":
            try:
                read_files(target.metrics_files, base)
            except ConfigError as error:
                problems.append(str(error))
    return problems


def check_named_files(config: ConfigFile, *, base: Path) -> list[str]:
    """Check all named files; raises ConfigError with a line for each mistake; returns warnings."""
    problems: list[str] = []
    warnings: list[str] = []
    try:
        warnings += check_routing(config, base=base)
    except ConfigError as error:
        problems.append(str(error))
    problems += check_rules(config, base=base)
    problems += check_sql(config, base=base)
    if problems:
        raise ConfigError("\n".join(problems))
    return warnings
