"""The scrape jobs in force: those of tocsin.yml and those of its `scrape_config_files`."""

import glob
from pathlib import Path

from services.common.config import ConfigError, validate
from services.common.yaml_source import YamlError, read_yaml
from services.evaluator.config import EvaluatorConfig, ScrapeFile, check_job_names
from services.evaluator.scrape.config import ScrapeConfig


def load_jobs(config: EvaluatorConfig, base: Path) -> list[ScrapeConfig]:
    """Return all jobs with `global`'s values filled in; raises ConfigError with file and line."""
    jobs = list(config.scrape_configs)
    for pattern in config.scrape_config_files:
        for path in sorted(glob.glob(str(base / pattern))):  # noqa: PTH207 - the pattern may be absolute
            jobs += _read(Path(path))
    try:
        check_job_names(jobs)
    except ValueError as error:
        raise ConfigError(f"scrape_configs: {error}") from error
    return [job.with_defaults(config.global_) for job in jobs]


def _read(path: Path) -> list[ScrapeConfig]:
    try:
        source = read_yaml(path, as_written=True)
    except YamlError as error:
        raise ConfigError(str(error)) from error
    return validate(ScrapeFile, source.data or {}, source, ()).scrape_configs
