"""Cases whose results Go itself gave: Go 1.27's text/template, html/template, fmt and time.

`golden/*.json`: `data` is the dot of all cases of a file unless a case has its own; `{"$": kind, "v": …}` stands for
a value that JSON lacks. In HTML an `error` says only that both refuse.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.common.gotemplate import TemplateError, alertmanager, parse, prometheus
from services.common.gotemplate.gotime import Time
from services.common.gotemplate.values import GoList, GoMap

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(path.stem for path in FOLDER.glob("*.json"))
SAMPLES = [
    SimpleNamespace(labels={"__name__": "metric", "instance": "b"}, value=21.0),
    SimpleNamespace(labels={"__name__": "metric", "instance": "a", "__value__": "v"}, value=11.0),
]
KINDS = {
    "int": int,
    "float": float,
    "strmap": prometheus.GoLabels,
    "strs": list,
    "time": lambda milliseconds: Time(int(milliseconds) * 10**6),
    "bytes": str.encode,
}


def query(expr):
    if expr == "error":
        raise ValueError("query failed")
    return [] if expr == "none" else SAMPLES


def decode(value):
    if isinstance(value, dict):
        if "$" in value:
            return KINDS[value["$"]](value["v"])
        return GoMap({key: decode(item) for key, item in value.items()})
    if isinstance(value, list):
        return GoList(map(decode, value))
    # A number of JSON is a float64 in Go.
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


# Both have humanizeDuration, title and now: Prometheus' are meant.
FUNCTIONS = {**alertmanager.functions(0.0), **prometheus.FUNCTIONS, **prometheus._functions(query, 0.0, "")}


def run(case, data, *, html):
    template = parse(case.get("name", "t"), case["text"], FUNCTIONS, html=html, missing=case.get("missing", "zero"))
    return template.execute(data)


def run_alert(case):
    return prometheus.expand(
        case["text"],
        labels={"instance": "h:90", "job": "api"},
        value=case["value"],
        external_labels={"region": "eu"},
        external_url="http://localhost:9090/p",
        query=query,
    )


def outcome(file, case, data):
    try:
        return {"out": run_alert(case) if file == "alerts" else run(case, data, html=file == "html")}
    except TemplateError as error:
        return {"error": True if file == "html" else str(error)}


@pytest.mark.parametrize("file", FILES)
def test_results_are_those_of_go(file):
    document = json.loads((FOLDER / f"{file}.json").read_text())
    shared = decode(document.get("data"))
    wrong = []
    for case in document["cases"]:
        data = decode(case["data"]) if "data" in case else shared
        got = outcome(file, case, data)
        expected = {key: case[key] for key in ("out", "error") if key in case}
        if got != expected:
            wrong.append((case["text"], expected, got))
    assert wrong == []


def test_the_golden_files_hold_what_they_should():
    counts = {file: len(json.loads((FOLDER / f"{file}.json").read_text())["cases"]) for file in FILES}
    assert counts["printf"] > 2000
    assert counts["language"] > 300
    assert sum(counts.values()) > 6000
