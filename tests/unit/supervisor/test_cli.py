import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from services import __main__ as cli
from services.supervisor import commands


def parsers(parser, path=()):
    """Every parser that can be reached, with the words that reach it."""
    subs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not subs:
        yield path, parser
    for sub in subs:
        for name, inner in sub.choices.items():
            yield from parsers(inner, (*path, name))


COMMANDS = dict(parsers(cli.build_parser()))


def test_the_contracts_commands_are_there():
    assert {
        ("up",), ("collector",), ("evaluator",), ("notifier",), ("api",), ("migrate",), ("check-config",), ("ready",),
        ("user", "add"), ("user", "passwd"), ("user", "list"), ("rules", "check"), ("rules", "test"),
        ("rules", "coverage"),
        ("demo", "break"), ("demo", "heal"), ("notify", "test"), ("routes", "test"),
    } == set(COMMANDS)  # fmt: skip


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_each_command_has_its_module(path):
    module = COMMANDS[path].get_default("module")
    assert find_spec(f"services.supervisor.commands.{module}") is not None


def test_each_module_of_the_folder_is_a_command_or_shared_by_some():
    folder = Path(commands.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "dsn"}
    assert modules == {parser.get_default("module") for parser in COMMANDS.values()}


def test_help_and_version_import_no_service(tmp_path):
    code = (
        "import sys\nfrom services.__main__ import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(sorted(m for m in sys.modules if m.startswith(('services.', 'aiohttp', 'numpy', 'pydantic'))))"
    )
    for word in ("--version", "--help"):
        done = subprocess.run(
            [sys.executable, "-c", code, word], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        assert done.stdout.splitlines()[-1] == "['services.__main__']"


def test_an_unknown_command_is_refused_with_the_list(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["upp"])
    assert caught.value.code == 2
    assert "collector" in capsys.readouterr().err
