"""The pre-commit hooks run commands that there are, on files that they are meant for."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from services.__main__ import main

ROOT = Path(__file__).parents[4]
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


@pytest.mark.parametrize(
    ("hook", "file", "good"),
    [
        ("tocsin-rules-check", "rules/redis.yml", True),
        ("tocsin-rules-check", "rules/tests/redis.yml", False),
        ("tocsin-rules-test", "rules/tests/redis.yml", True),
        ("tocsin-rules-test", "rules/redis.yml", False),
    ],
)
def test_hooks_take_their_own_files(hook, file, good, capsys):
    assert bool(re.search(HOOKS[hook]["files"], file)) is good
    program, *words = HOOKS[hook]["entry"].split()
    assert program in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert (main([*words, str(ROOT / file)]) == 0) is good
    capsys.readouterr()
