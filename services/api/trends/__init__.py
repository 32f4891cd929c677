"""The history of metrics: which there are, their past, and what happened meanwhile."""
