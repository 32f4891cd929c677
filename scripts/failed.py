"""Prints the tests that failed in the last whole run, one a line, as pytest takes them from a file (`pytest @FILE`)."""

import json
import sys
from pathlib import Path

CACHE = Path(".pytest_cache/v/cache/lastfailed")


def without_group(nodeid: str) -> str:
    """Return the id without the group that xdist adds when it spreads tests: `test_x[1]@e2e` is `test_x[1]`.

    pytest's own --last-failed looks for ids with the group, and finds none.
    """
    at = nodeid.rfind("@")
    return nodeid[:at] if at > nodeid.rfind("]") else nodeid


def main() -> int:
    """Run as a program: 1 where no test has failed."""
    failed = sorted(map(without_group, json.loads(CACHE.read_text()))) if CACHE.exists() else []
    print("\n".join(failed))
    return 0 if failed else 1


if __name__ == "__main__":
    sys.exit(main())
