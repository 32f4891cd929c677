"""The registry of generated pages: one file and one line each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.reference.configuration import configuration_page
from scripts.reference.functions import functions_page
from scripts.reference.http_api import http_api_page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"


@dataclass(frozen=True)
class Page:
    """A page of docs/reference and what makes its text."""

    name: str
    make: Callable[[], str]


PAGES = (
    Page("configuration.md", configuration_page),
    Page("promql.md", functions_page),
    Page("http-api.md", http_api_page),
)
