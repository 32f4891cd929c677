"""What rules record, kept in Postgres: samples and roll-ups, with a backlog on disk while Postgres is away."""

from services.evaluator.history.config import HistoryConfig
from services.evaluator.history.open import open_history
from services.evaluator.history.writer import HistoryWriter

__all__ = ["HistoryConfig", "HistoryWriter", "open_history"]
