"""The folder that an audit command fills: `audit.json`, and a file for each report."""

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from services.api.quality.model import AuditBody
from services.api.quality.parsers import BY_KIND, Parser
from services.api.quality.report import Report, ReportError

MAX_REPORT = 16 * 1024**2
ABOUT = "audit.json"


class FolderError(ValueError):
    """The folder can't be used: which file, and what is wrong."""

    def __init__(self, result: Literal["no_reports", "bad_report"], message: str) -> None:
        super().__init__(message)
        self.result = result


def read_folder(folder: Path) -> tuple[AuditBody, list[Report]]:
    """Return what was audited and the reports: `ruff.json`, `junit.xml`, `mypy.txt`, `*.sarif`; raises FolderError."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    body = _about(folder / ABOUT)
    reports = [_report(path, parser) for path in files if (parser := _parser(path)) is not None]
    if not reports:
        known = ", ".join(BY_KIND)
        raise FolderError("no_reports", f"No report stands in $TOCSIN_AUDIT_DIR; name the files after them: {known}.")
    return body, reports


def _about(path: Path) -> AuditBody:
    try:
        return AuditBody.model_validate_json(_content(path))
    except FileNotFoundError as error:
        raise FolderError(
            "no_reports", f'{ABOUT} is missing; write {{"commit", "branch", "lines_of_code"}} into it.'
        ) from error
    except ValidationError as error:
        mistakes = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise FolderError("bad_report", f"{ABOUT}: {mistakes}.") from error


def _parser(path: Path) -> Parser | None:
    if path.suffix == ".sarif":
        return BY_KIND["sarif"]
    return BY_KIND.get(path.stem)  # type: ignore[call-overload,no-any-return] # any text may be looked up


def _report(path: Path, parser: Parser) -> Report:
    try:
        return parser.parse(_content(path))
    except ReportError as error:
        raise FolderError("bad_report", f"{path.name}: {error}. {error.mend}") from error


def _content(path: Path) -> bytes:
    if path.stat().st_size > MAX_REPORT:
        raise FolderError("bad_report", f"{path.name} is larger than {MAX_REPORT // 1024**2} MiB.")
    return path.read_bytes()
