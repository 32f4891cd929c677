"""The generated pages of the manual."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from scripts.reference import __main__ as command
from scripts.reference import configuration, pages
from scripts.reference.pages import FOLDER, PAGES
from scripts.reference.table import table
from services.common.config import StrictModel
from services.common.durations import Duration


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_page_is_current(page: pages.Page) -> None:
    assert (FOLDER / page.name).read_text(encoding="utf-8") == page.make(), "run `make docs` and commit the pages"


def test_folder_holds_nothing_else() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {page.name for page in PAGES}


def test_cells_cannot_break_a_table() -> None:
    assert table(("a",), [("x | y\nz",)]) == "| a |\n| --- |\n| x \\| y z |\n"


class _Inner(StrictModel):
    """What is inside.

    More that the page leaves out.
    """

    secret: SecretStr | None = None


class _Outer(StrictModel):
    needed: str
    wait: Duration = 90.0
    """How long
    it waits."""
    maybe: Duration | None = None
    many: tuple[_Inner, ...] = ()
    by_name: dict[str, int] = Field(default_factory=dict)
    other: bool = Field(default=False, alias="else")


def test_a_model_becomes_a_table_and_its_parts_follow() -> None:
    text = configuration._table(_Outer)
    assert "| `needed` | text | needed |  |" in text
    assert "| `wait` | duration | `1m30s` | How long it waits. |" in text
    assert "| `maybe` | duration |  |  |" in text
    assert "| `many` | list of [_Inner](#_inner) |  |  |" in text
    assert "| `by_name` | map of whole number |  |  |" in text
    assert "| `else` | true or false | `false` |  |" in text
    nested = list(configuration._nested(_Outer, set()))
    assert nested[:2] == ["### _Inner\n", "What is inside.\n"]
    assert "| `secret` | secret |  |  |" in nested[2]


def test_command_writes_and_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "FOLDER", tmp_path / "reference")
    monkeypatch.setattr(command, "PAGES", (pages.Page("a.md", lambda: "# A\n"),))
    assert command.main(["--check"]) == 1
    assert "a.md is not current: run `make docs`" in capsys.readouterr().err
    assert command.main([]) == 0
    assert (tmp_path / "reference" / "a.md").read_text(encoding="utf-8") == "# A\n"
    assert command.main(["--check"]) == 0
