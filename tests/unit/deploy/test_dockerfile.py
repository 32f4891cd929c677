import json
import re
from pathlib import Path

import pytest

from services.__main__ import build_parser

ROOT = Path(__file__).parents[3]
INSTRUCTION = re.compile(r"([A-Z]+)\s+(.*)")


@pytest.fixture(scope="module")
def instructions():
    text = (ROOT / "deploy/Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [INSTRUCTION.fullmatch(line).groups() for line in lines]


def test_it_is_made_of_two_stages_and_ends_as_an_ordinary_user(instructions):
    names = [name for name, _ in instructions]
    assert names[0] == "FROM"
    assert names.count("FROM") == 2
    last = instructions[len(names) - names[::-1].index("FROM") - 1 :]
    assert ("USER", "10001:10001") in last
    assert set(names) <= {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "CMD"}


def test_no_shell_stands_between(instructions):
    for name, words in instructions:
        if name in {"RUN", "CMD"}:
            assert all(isinstance(word, str) for word in json.loads(words))


def test_the_set_up_is_the_one_of_make(instructions):
    runs = [json.loads(words) for name, words in instructions if name == "RUN"]
    assert ["sh", "scripts/setup.sh", "run"] in runs
    assert "sh scripts/setup.sh run" in (ROOT / "Makefile").read_text()


def test_its_command_is_one_that_the_command_line_knows(instructions, capsys):
    command = next(json.loads(words) for name, words in instructions if name == "CMD")
    assert command[0] == "tocsin"
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(command[1:])
    assert caught.value.code == 0


def test_it_takes_no_address_from_outside_but_the_base_image(instructions):
    text = " ".join(words for _, words in instructions)
    assert "http" not in text
    assert {words.split()[0] for name, words in instructions if name == "FROM"} == {"python:3.13-slim"}


def test_what_is_made_here_does_not_get_into_the_image():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".tocsin", "services/api/static", "**/node_modules"} <= set(ignored)
