"""All answers that one evaluation of a group needs from its source, asked before it, so that it never waits."""

import asyncio
from collections.abc import Collection

from services.evaluator.promql import EvaluationError, Expr, PromqlError, Result
from services.evaluator.remote.source import Source
from services.evaluator.rules.runner import GroupRunner

_ROUNDS = 4
"""A template's query may depend on another's answer; deeper than that it is given up."""


class Answers:
    """Stands where a tick over our own samples stands."""

    def __init__(self) -> None:
        self._known: dict[str, Result | PromqlError] = {}
        self.missing: set[str] = set()

    def instant(self, expr: str | Expr) -> Result:
        """Return the answer; raises the server's error, and EvaluationError for what was not asked."""
        text = expr if isinstance(expr, str) else expr.text
        known = self._known.get(text)
        if known is None:
            self.missing.add(text)
            raise EvaluationError(f"{text} was not asked of the source")
        if isinstance(known, PromqlError):
            raise known
        return known

    async def ask(self, source: Source, texts: Collection[str], t_ms: int) -> None:
        """Ask all of these at once."""

        async def one(text: str) -> None:
            try:
                self._known[text] = await source.query(text, t_ms)
            except PromqlError as error:
                self._known[text] = error

        async with asyncio.TaskGroup() as group:
            for text in texts:
                group.create_task(one(text))


async def prefetch(runner: GroupRunner, source: Source, now: float) -> Answers:
    """Return the answers that the group's evaluation at `now` will want, those of its templates among them."""
    t_ms = round((now - runner.group.query_offset) * 1000)
    answers = Answers()
    wanted: Collection[str] = {expr.text for expr in runner.asks(now)}
    for _ in range(_ROUNDS):
        await answers.ask(source, wanted, t_ms)
        answers.missing = set()
        runner.try_templates(answers, now)
        wanted = answers.missing
        if not wanted:
            break
    return answers
