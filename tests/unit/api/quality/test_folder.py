"""What an audit command leaves in its folder."""

import json

import pytest

from services.api.quality import folder as folder_module
from services.api.quality.folder import FolderError, read_folder

ABOUT = {"commit": "4f2a", "branch": "main", "lines_of_code": 1200}


def fill(folder, **files):
    for name, content in ({"audit.json": json.dumps(ABOUT)} | files).items():
        if content is not None:
            (folder / name).write_text(content)
    return folder


def test_files_are_named_after_their_kinds(tmp_path):
    files = {"ruff.json": "[]", "mypy.txt": "Success: no issues found in 3 source files\n", "notes.txt": "x"}
    log = '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "semgrep"}}, "results": []}]}'
    fill(tmp_path, **files, **{"semgrep.sarif": log})
    (tmp_path / "bandit.json").symlink_to("/etc/passwd")
    body, reports = read_folder(tmp_path)
    assert (body.commit, body.branch, body.lines_of_code) == ("4f2a", "main", 1200)
    assert [(one.kind, one.tool) for one in reports] == [("mypy", ""), ("ruff", ""), ("sarif", "semgrep")]


@pytest.mark.parametrize(
    ("files", "result", "part"),
    [
        ({"audit.json": None, "ruff.json": "[]"}, "no_reports", "audit.json is missing"),
        ({}, "no_reports", "No report stands"),
        ({"audit.json": "{", "ruff.json": "[]"}, "bad_report", "audit.json: "),
        ({"audit.json": '{"commit": "x"}', "ruff.json": "[]"}, "bad_report", "branch: Field required"),
        ({"ruff.json": "[1]"}, "bad_report", "ruff.json: finding 1 has no message. Send what"),
        ({"ruff.json": " " * 99}, "bad_report", "ruff.json is larger than"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, monkeypatch, files, result, part):
    monkeypatch.setattr(folder_module, "MAX_REPORT", 80)
    with pytest.raises(FolderError) as caught:
        read_folder(fill(tmp_path, **files))
    assert caught.value.result == result
    assert part in str(caught.value)
