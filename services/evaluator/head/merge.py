"""Series that several targets hold, read as one."""

from collections.abc import Sequence

import numpy as np

from services.evaluator.head.labelset import label_set
from services.evaluator.head.pool import Pool
from services.evaluator.promql.storage import Block, absent_cells, stale_cells


def merged_block(series: Sequence[tuple[Pool, int]], start_ms: int, end_ms: int) -> Block:
    """Merge one label set's samples; at equal times a sample goes before a marker, and a later owner before others."""
    times, values = [], []
    for pool, row in series:
        first, last = pool.columns(start_ms, end_ms)
        cells = pool.values[row, first:last]
        here = ~absent_cells(cells)
        times.append(pool.times[pool.axes[row], first:last][here])
        values.append(cells[here])
    all_times, all_values = np.concatenate(times), np.concatenate(values)
    order = np.lexsort((~stale_cells(all_values), all_times))
    all_times, all_values = all_times[order], all_values[order]
    newest = np.append(np.diff(all_times) > 0, True)[: len(all_times)]
    labels = series[0][0].labels[series[0][1]] or label_set({})
    layout = ("shared", frozenset(labels.items()))
    return Block([labels], all_times[newest], np.ascontiguousarray(all_values[newest])[None, :], layout)
