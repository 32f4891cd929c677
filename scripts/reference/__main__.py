"""Write the generated pages of docs/reference, or with --check tell which are not current."""

import argparse
import sys
from pathlib import Path

from scripts.reference.pages import FOLDER, PAGES


def main(arguments: list[str]) -> int:
    """Return 0, or 1 when --check finds a page that the code no longer makes."""
    parser = argparse.ArgumentParser(prog="python -m scripts.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a page is not current")
    options = parser.parse_args(arguments)
    stale = [page for page in PAGES if _text(FOLDER / page.name) != page.make()]
    if options.check:
        for page in stale:
            print(f"docs/reference/{page.name} is not current: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for page in stale:
        (FOLDER / page.name).write_text(page.make(), encoding="utf-8")
        print(f"docs/reference/{page.name} written")
    return 0


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
