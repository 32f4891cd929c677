import os
import stat
import subprocess
import sys

import pytest

from services.supervisor import datadir, server_user
from services.supervisor.datadir import DataDir, DataDirError, write_private
from services.supervisor.process import ServerUser
from services.supervisor.server_user import is_closed, own_folder


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_closed_to_others(data):
    assert mode(data.root) == 0o711
    assert [mode(folder) for folder in (data.secrets, data.run, data.log)] == [0o700] * 3
    secret = data.secret("redis")
    assert mode(data.secrets / "redis") == 0o600
    assert data.secret("redis") == secret
    assert len(secret) >= 40
    assert mode(data.write_secret("redis-url", "x")) == 0o600


def test_a_private_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "tocsin.yml"
    write_private(path, "old")
    with path.open() as reader:
        write_private(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_its_place_is_told(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(DataDirError, match=r"data.*; set data_dir to a folder of yours"):
        DataDir(tmp_path / "data").create()


def test_anothers_folder_is_told(data, monkeypatch):
    monkeypatch.setattr(datadir.os, "access", lambda *_: False)
    with pytest.raises(DataDirError, match="belongs to another user"):
        data.create()


def test_one_tocsin_at_a_time_and_the_other_is_named(data):
    code = (
        "import sys; from pathlib import Path; from services.supervisor.datadir import *\n"
        "data = DataDir(Path(sys.argv[1]))\n"
        "try:\n    with data.lock(): print('got it')\n"
        "except DataDirError as error: print(error)"
    )

    def other():
        done = subprocess.run([sys.executable, "-c", code, str(data.root)], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    with data.lock():
        assert other() == (
            f"another tocsin (pid {os.getpid()}) uses {data.root}; stop it or set data_dir to another folder"
        )
    assert other() == "got it"


def test_an_ordinary_user_runs_the_servers_as_itself(tmp_path):
    assert server_user.server_user(tmp_path, euid=1000) is None


def test_root_runs_them_as_nobody_and_passes_closed_folders_only_where_there_are_some(tmp_path, monkeypatch):
    monkeypatch.setattr(server_user, "is_closed", lambda path: path.name == "closed")
    assert server_user.server_user(tmp_path, euid=0) == ServerUser(65534, 65534, pass_closed_folders=False)
    found = server_user.server_user(tmp_path, tmp_path / "closed", euid=0)
    assert found == ServerUser(65534, 65534, pass_closed_folders=True)


def test_closed_folders_above_are_seen(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a").chmod(0o700)
    assert is_closed(inner)
    assert not is_closed(type(tmp_path)("/usr/bin/env"))


def test_a_servers_folder_is_its_own(tmp_path):
    folder = tmp_path / "postgres"
    own_folder(folder, None)
    own_folder(folder, ServerUser(os.getuid(), os.getgid()))
    assert mode(folder) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_root_gives_a_servers_folder_to_it(tmp_path):
    own_folder(tmp_path / "redis", ServerUser(65534, 65534))
    assert (tmp_path / "redis").stat().st_uid == 65534
