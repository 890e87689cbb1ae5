"""Whose turn it is at a table: loads that change or replace rows follow one another, those that add go side by side.

Two loads that lock tables, or rows, in different orders would wait for each other for ever, and the server would end
one of them. So each takes all of its turns before it does anything, in one order for everybody.
"""

from collections.abc import Iterable
from typing import Any, Final

from flows.decisions.naming import NameRefused, target_table
from flows.ir.targets import TargetNode
from flows.targets.shapes import find_shape
from kaireon.platform.locks import lock_key

ADDING: Final = frozenset({"append", "incremental_watermark"})


def take_turns(cursor: Any, targets: Iterable[TargetNode], data_schema: str, *, lineage: bool) -> None:
    """Wait for the turn at every target's table; held until the transaction ends. A name that is none is left out."""
    turns: dict[int, bool] = {}
    for target in targets:
        try:
            table = target_table(target.table, data_schema)
        except NameRefused:
            continue  # the load refuses it, and says why
        shape = find_shape(cursor, table)
        # The first write with lineage adds its column, for which it needs the table to itself.
        is_changing = target.load_mode not in ADDING or (lineage and shape is not None and not shape.has_lineage)
        key = lock_key("flows.table", table.schema, table.name)
        turns[key] = turns.get(key, False) or is_changing
    for key, is_changing in sorted(turns.items()):
        cursor.execute(f"SELECT pg_advisory_xact_lock{'' if is_changing else '_shared'}(%s)", [key])
