from pathlib import Path

import pytest

from services.evaluator.promql import Engine
from tests.promql import memory, script

SCRIPTS = Path(__file__).parents[3] / "promql" / "scripts"
CASES = [case for path in sorted(SCRIPTS.glob("*.test")) for case in script.cases(path)]
STARTS = [case for path in sorted(SCRIPTS.glob("starts/*.test")) for case in script.cases(path)]


@pytest.mark.parametrize("storage", [memory.MemoryStorage, memory.HeadStorage])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.where)
def test_scripts(case, storage):
    script.run(case, Engine(), storage())


@pytest.mark.parametrize("case", STARTS, ids=lambda case: case.where)
def test_scripts_with_start_times(case):
    script.run(case, Engine(), memory.MemoryStorage())
