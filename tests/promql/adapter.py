"""The engine behind a line of JSON per request, for conformance suites: `python -m tests.promql.adapter [--head]`.

Requests: hello, clear, load (series with samples), eval (expression at a time or over a range), bye. Values are
strings, times are milliseconds; errors carry a type: parse, exec, unsupported or internal.
"""

import json
import math
import sys
from typing import Any

import numpy as np

from services.evaluator.promql import Engine, EvaluationError, PromqlError, Result, parse
from services.evaluator.promql.printer import format_number
from tests.promql.memory import HeadStorage, MemoryStorage


class Adapter:
    def __init__(self, storage: type[MemoryStorage | HeadStorage] = MemoryStorage) -> None:
        self.new_storage = storage
        self.storage = storage()
        self.engine = Engine(delayed_names=True)

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        command = request["cmd"]
        if command == "hello":
            return {"ok": True, "name": "tocsin", "histograms": False, "annotations": True}
        if command == "clear":
            self.storage = self.new_storage()
            return {"ok": True}
        if command == "load":
            floats = [[(t, v) for t, v in series["samples"] if isinstance(v, str)] for series in request["series"]]
            self.storage.load(zip([series["labels"] for series in request["series"]], floats, strict=True))
            if isinstance(self.storage, MemoryStorage):
                for series in request["series"]:
                    starts = zip(series["samples"], series.get("start_ms") or [], strict=False)
                    self.storage.start(series["labels"], [(t, start) for (t, _), start in starts if start is not None])
            return {"ok": True}
        return self.evaluate(request)

    def evaluate(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            expr = parse(request["expr"])
        except PromqlError as problem:
            return {"ok": False, "errorType": "parse", "error": str(problem)}
        try:
            if "time" in request:
                return answer(self.engine.instant(expr, self.storage, request["time"]))
            span = request["start"], request["end"], request["step"]
            return answer(self.engine.range(expr, self.storage, *span))
        except EvaluationError as problem:
            kind = "unsupported" if "not supported" in problem.message else "exec"
            return {"ok": False, "errorType": kind, "error": problem.message}


def answer(result: Result) -> dict[str, Any]:
    value: Any = result.value
    out: dict[str, Any] = {"ok": True, "type": result.type, "warnings": result.warnings, "infos": result.infos}
    if result.type == "scalar":
        out["result"] = encode(value.value)
    elif result.type == "string":
        out["result"] = value.value
    elif result.type == "vector":
        pairs = zip(value.labels, value.values.tolist(), strict=True)
        out["result"] = [{"labels": dict(labels), "value": encode(number)} for labels, number in pairs]
    else:
        out["result"] = [
            {
                "labels": dict(labels),
                "values": [
                    [int(value.times[i]), encode(float(value.values[row, i]))]
                    for i in np.flatnonzero(value.present[row])
                ],
            }
            for row, labels in enumerate(value.labels)
        ]
    return out


def encode(number: float) -> str:
    return format_number(number) if not math.isfinite(number) else repr(number)


def main() -> None:
    adapter = Adapter(HeadStorage if "--head" in sys.argv else MemoryStorage)
    for line in sys.stdin:
        request = json.loads(line)
        if request["cmd"] == "bye":
            return
        try:
            response = adapter.handle(request)
        except Exception as problem:  # noqa: BLE001  a defect is an answer too, and must not end the run
            response = {"ok": False, "errorType": "internal", "error": f"{type(problem).__name__}: {problem}"}
        sys.stdout.write(json.dumps({**response, "id": request.get("id")}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
