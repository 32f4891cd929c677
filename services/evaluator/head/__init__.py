"""The columnar head: recent samples, appended scrape by scrape, read as matrices."""

from services.evaluator.head.head import Head, HeadStats
from services.evaluator.head.labelset import LabelSet, Tail, label_set
from services.evaluator.head.layout import Layout
from services.evaluator.head.target import TargetColumns

__all__ = ["Head", "HeadStats", "LabelSet", "Layout", "Tail", "TargetColumns", "label_set"]
