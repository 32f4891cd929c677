"""Log files: followed through rotation, counted by level, their errors grouped for the error-tracking page."""

from services.collector.sources.base import SourceKind
from services.collector.sources.logs.model import LogTarget
from services.collector.sources.logs.page import errors_page
from services.collector.sources.logs.source import open_logs

KIND = SourceKind("logs", LogTarget, open_logs, lambda target: target.paths[0], pages={"/errors": errors_page})
