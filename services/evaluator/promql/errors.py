"""What can go wrong with a query, with the place in its text."""


class PromqlError(Exception):
    """An expression that cannot be parsed or evaluated.

    `line` and `column` count from 1 (column in characters); both are 0 where no place is known.
    """

    reason = "bad_expression"

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        self.message, self.line, self.column = message, line, column
        super().__init__(f"{line}:{column}: {message}" if line else message)


class EvaluationError(PromqlError):
    """A valid expression whose data forbid a result, such as many-to-many matching."""

    reason = "evaluation"


class SampleLimitError(EvaluationError):
    """The query would hold more samples in memory than allowed."""

    reason = "too_many_samples"


class QueryTimeoutError(EvaluationError):
    """The query took longer than allowed."""

    reason = "timeout"
