"""Instant queries to a Prometheus-compatible server."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import numpy as np
import orjson

from services.common.config import ConfigError
from services.common.oauth2 import TokenError
from services.evaluator.promql import EvaluationError, PromqlError, Result, ScalarResult, VectorResult
from services.evaluator.remote.config import SourceConfig
from services.evaluator.remote.session import ServerSession

_MAX_BODY = 64 * 1024**2
_SHOWN = 200
Labels = Mapping[str, str]


class SourceError(EvaluationError):
    """The server could not be asked, or its answer is of no use."""

    reason = "source"


class Source:
    """One server."""

    def __init__(self, config: SourceConfig, session: ServerSession) -> None:
        self._config, self._session = config, session
        self._url = f"{config.url.rstrip('/')}/api/v1/query"
        self._slots = asyncio.Semaphore(config.max_concurrency)

    async def query(self, text: str, t_ms: int) -> Result:
        """Evaluate an expression at one time; raises PromqlError, also when the server is away."""
        form = {"query": text, "time": f"{t_ms / 1000:.3f}", "timeout": f"{self._config.timeout:g}s"}
        try:
            async with self._slots, self._session.post(self._url, data=form) as response:
                body = await _read(response)
                return _result(body, response.status, t_ms)
        except TimeoutError as error:
            raise SourceError(f"{self._config.url}: no answer within {self._config.timeout:g} s") from error
        except (aiohttp.ClientError, OSError, ConfigError, TokenError) as error:
            raise SourceError(f"{self._config.url}: {str(error) or type(error).__name__}") from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MAX_BODY:
            raise SourceError(f"the answer is larger than {_MAX_BODY} bytes")
    return bytes(body)


def _result(body: bytes, status: int, t_ms: int) -> Result:
    try:
        answer = orjson.loads(body)
        good = answer["status"] == "success"
        if good:
            if answer.get("isPartial"):
                # As good as no answer: what is missing must not look like recovery.
                raise SourceError("the server answered for a part of its data only")
            return _from_data(answer["data"], t_ms)
        kind, text = answer.get("errorType", ""), answer.get("error", "")
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        shown = body[:_SHOWN].decode(errors="replace")
        raise SourceError(f"HTTP status {status}, not an answer of Prometheus' API: {shown!r}") from error
    raise (PromqlError if kind == "bad_data" else SourceError)(f"{kind}: {text}")


def _from_data(data: Any, t_ms: int) -> Result:
    if data["resultType"] == "scalar":
        return Result("scalar", ScalarResult(float(data["result"][1]), t_ms))
    if data["resultType"] != "vector":
        raise EvaluationError("rule result is not a vector or scalar")
    labels: list[Labels] = [{str(name): str(value) for name, value in one["metric"].items()} for one in data["result"]]
    values = np.array([float(one["value"][1]) for one in data["result"]], dtype=np.float64)
    return Result("vector", VectorResult(labels, values, t_ms))
