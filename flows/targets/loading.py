"""The door: check a target before anything is written, and load a feed into it in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper

from flows.engines.base import Feed
from flows.formats.base import Column
from flows.ir.targets import TargetNode
from flows.targets.anomalies import check_row_count
from flows.targets.backups import back_up
from flows.targets.base import LoadContext, Loaded, TargetRefused
from flows.targets.checking import check_columns, require_table
from flows.targets.hooks.running import check_hooks, run_hook
from flows.targets.modes.base import Job
from flows.targets.modes.registry import MODES
from flows.targets.shapes import TableShape

# These lock the table before anything else touches it: two of them that had each begun to read would wait for ever.
REPLACING: Final = frozenset({"truncate", "blue_green"})


def check_target(
    cursor: Any, target: TargetNode, feed_columns: Sequence[Column], context: LoadContext
) -> TableShape:  # fmt: skip
    """Return the target's table once everything that can be known before the load has been found in order.

    Raises TargetRefused: no such table, columns or types that do not fit, a mode that this table does not allow, a hook
    that could not run.
    """
    try:
        shape = require_table(cursor, target.table, context)
        check_columns(shape, feed_columns)
        MODES[target.load_mode].check(cursor, target, shape, feed_columns, context)
        check_hooks(cursor, target, context)
    except TargetRefused as refusal:
        raise TargetRefused(refusal.message, node_id=target.id) from refusal.__cause__
    return shape


def load_feed(connection: BaseDatabaseWrapper, target: TargetNode, feed: Feed, context: LoadContext) -> Loaded:
    """Check and load a feed in the transaction that the caller has open; all of it, or TargetRefused.

    In this order: the checks, the copy of the table where one is wanted, the pre-hook, the rows, the post-hook, the
    check of the number of rows. After TargetRefused, or any other error, the transaction can only be rolled back.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a load outside a transaction could leave half of its rows")
    with connection.cursor() as cursor:
        shape = check_target(cursor, target, feed.columns, context)
        if target.backup_before_load or target.load_mode in REPLACING:
            # Other writers wait, readers go on. Whoever waited here may find another table: it is looked at anew.
            cursor.execute(f"LOCK TABLE {shape.table.sql} IN SHARE ROW EXCLUSIVE MODE")
            shape = check_target(cursor, target, feed.columns, context)
        try:
            return _load(Job(cursor, target, shape, feed, context))
        except TargetRefused as refusal:
            raise TargetRefused(refusal.message, node_id=target.id) from refusal.__cause__


def _load(job: Job) -> Loaded:
    target, context, table = job.target, job.context, job.shape.table
    if target.backup_before_load:
        back_up(job.cursor, job.shape)
    if target.pre_hook is not None:
        run_hook(job.cursor, target.pre_hook, context, table=table, node_id=target.id)
    loaded = MODES[target.load_mode].load(job)
    # blue_green runs it before its new table takes the place of the old one.
    if target.post_hook is not None and target.load_mode != "blue_green":
        run_hook(job.cursor, target.post_hook, context, table=table, node_id=target.id)
    warning = check_row_count(target, context, loaded.rows_written)
    return replace(loaded, warnings=(*loaded.warnings, warning)) if warning else loaded
