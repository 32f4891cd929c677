"""Named SQL in files: `-- name: insert_alert` begins a statement, which ends at the next name."""

import re
from pathlib import Path

_NAME = re.compile(r"^-- name: ([a-z_]+)$", re.MULTILINE)


class Queries:
    """The statements of one `.sql` file by name: `queries["insert_alert"]`."""

    def __init__(self, path: Path) -> None:
        parts = _NAME.split(path.read_text(encoding="utf-8"))
        names = parts[1::2]
        if len(set(names)) != len(names):
            raise ValueError(f"{path}: a name stands twice")
        self._statements = {name: text.strip() for name, text in zip(names, parts[2::2], strict=True)}

    def __getitem__(self, name: str) -> str:
        """Return one statement; KeyError when the file has no such name."""
        return self._statements[name]
