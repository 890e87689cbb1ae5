"""Columns on their way through the graph: which there are after each node and op, and which a step names in vain.

Doors: `propagate`, `column_problems`, `columns_after` (one op), `joined_columns`.
"""

from flows.ir.columns.joining import joined_columns
from flows.ir.columns.nodes import column_problems, propagate
from flows.ir.columns.steps import columns_after

__all__ = ["column_problems", "columns_after", "joined_columns", "propagate"]
