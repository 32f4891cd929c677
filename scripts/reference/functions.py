"""The page of PromQL functions, from the registry."""

from scripts.reference.table import NOTE, table
from services.evaluator.promql.functions import FAMILIES

# In the order of FAMILIES.
_TITLES = (
    "Rates and differences",
    "Over time",
    "Regression and smoothing",
    "Mathematics",
    "Time and dates",
    "Labels and order",
    "Info metrics",
    "Presence",
    "Histograms",
)


def functions_page() -> str:
    """Return the page: a table for each family of functions."""
    parts = [NOTE, "# PromQL functions\n", "What the evaluator knows, by family; the meaning is Prometheus 3's.\n"]
    for title, family in zip(_TITLES, FAMILIES, strict=True):
        parts.append(f"## {title}\n")
        parts.append(table(("function", "what it gives"), [(f"`{item.signature}`", item.doc) for item in family]))
    return "\n".join(parts)
