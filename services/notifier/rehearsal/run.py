"""Runs files of routing tests; tells the outcome as text and as JUnit XML."""

import asyncio
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.common.clock import Clock, SystemClock
from services.common.config import ConfigError, validate
from services.common.yaml_source import YamlError, read_yaml
from services.notifier import alertmanager
from services.notifier.config import NotifierConfig
from services.notifier.receivers import build_generation
from services.notifier.rehearsal.compare import differences
from services.notifier.rehearsal.file import TestFile
from services.notifier.rehearsal.stage import Setting, Stage

_URL = "https://tocsin.example.com"


@dataclass
class Outcome:
    """One test, and what was wrong; nothing: it has passed."""

    name: str
    line: int
    problems: list[str]


@dataclass
class FileOutcome:
    """One file: its tests, or why it could not be used."""

    path: Path
    tests: list[Outcome] = field(default_factory=list)
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.error and not any(test.problems for test in self.tests)


def run_files(paths: Sequence[Path]) -> list[FileOutcome]:
    """Run each file's tests."""
    return [_run_file(path) for path in paths]


def _run_file(path: Path) -> FileOutcome:
    outcome = FileOutcome(path)
    try:
        source = read_yaml(path)
        file = validate(TestFile, source.data, source, ())
        setting = asyncio.run(read_setting(path.parent / file.config, SystemClock(), file.time_zone))
    except (YamlError, ConfigError) as error:
        outcome.error = str(error)
        return outcome
    for index, test in enumerate(file.tests):
        problems = list(differences(test, Stage(setting, test).play()))
        outcome.tests.append(Outcome(test.name, source.position(("tests", index))[0], problems))
    return outcome


async def read_setting(path: Path, clock: Clock, time_zone: str = "UTC") -> Setting:
    """Read a configuration for tests: files with secrets need not be there. Raises ConfigError."""
    _, source = alertmanager.load(path)
    with tempfile.TemporaryDirectory() as folder:
        data = _with_stand_ins(source.data, path.parent, Path(folder))
        settings = NotifierConfig.model_validate({"config": data, "time_zone": time_zone})
        generation = await build_generation(settings, base=path.parent, external_url=_URL, clock=clock)
        await generation.stack.aclose()
    return Setting(generation.tree, generation.receivers, generation.muting, generation.directory)


def _with_stand_ins(value: Any, base: Path, folder: Path, key: str = "") -> Any:
    # A test runs where the secrets are not; nothing is sent, so any will do.
    if isinstance(value, dict):
        return {name: _with_stand_ins(item, base, folder, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_stand_ins(item, base, folder) for item in value]
    is_secret = key.endswith("_file") and not key.startswith(("ca_", "cert_", "key_"))
    if is_secret and isinstance(value, str) and not (base / value).exists():
        made = folder / f"{len(list(folder.iterdir()))}"
        made.write_text(f"{_URL}/stand-in" if "url" in key else "stand-in", encoding="utf-8")
        return str(made)
    return value


def as_text(outcomes: Sequence[FileOutcome]) -> str:
    """Return the outcome as promtool tells it."""
    lines = []
    for one in outcomes:
        lines.append(f"Unit Testing:  {one.path}")
        if one.passed:
            lines.append("  SUCCESS")
            continue
        lines.append("  FAILED:")
        if one.error:
            lines += [f"    {line}" for line in one.error.splitlines()]
        for test in one.tests:
            if test.problems:
                lines.append(f"    {one.path}:{test.line}: {test.name}")
                lines += [f"      {problem}" for problem in test.problems]
    return "\n".join(lines)


def as_junit(outcomes: Sequence[FileOutcome]) -> bytes:
    """Return the outcome as JUnit XML: a suite for each file."""
    root = ET.Element("testsuites")
    for one in outcomes:
        failures = sum(bool(test.problems) for test in one.tests)
        suite = ET.SubElement(
            root, "testsuite", name=str(one.path), tests=str(len(one.tests) or 1), failures=str(failures),
            errors=str(int(bool(one.error))),
        )  # fmt: skip
        if one.error:
            case = ET.SubElement(suite, "testcase", name="the file", classname=str(one.path))
            ET.SubElement(case, "error", message=one.error.splitlines()[0]).text = one.error
        for test in one.tests:
            case = ET.SubElement(suite, "testcase", name=test.name, classname=str(one.path))
            if test.problems:
                failure = ET.SubElement(case, "failure", message=test.problems[0])
                failure.text = "\n".join(test.problems)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
