"""incremental_watermark: only rows above the highest value loaded so far; the mark moves in the same transaction."""

from collections.abc import Sequence
from typing import Any, Final

from flows.decisions.naming import literal, quoted
from flows.formats.base import Column
from flows.ir.targets import TargetNode
from flows.models import PipelineWatermark
from flows.targets.base import LoadContext, Loaded, TargetRefused
from flows.targets.checking import named_columns
from flows.targets.modes.base import Job
from flows.targets.shapes import TableColumn, TableShape
from flows.targets.staging import Staged, run, stage
from kaireon.platform.locks import lock_key, xact_lock

# What has an order that people mean: numbers, times, texts by the column's collation.
ORDERED: Final = frozenset({
    "int2", "int4", "int8", "numeric", "float4", "float8", "date", "timestamp", "timestamptz", "time", "text",
    "varchar", "bpchar", "uuid",
})  # fmt: skip
# Above every other value: a mark there would keep all later rows out.
ENDLESS: Final = frozenset({"infinity", "Infinity", "NaN"})


def check(
    cursor: Any, target: TargetNode, shape: TableShape, columns: Sequence[Column], context: LoadContext
) -> None:  # fmt: skip
    """Refuse a mark that is no column of both, or one without an order."""
    name = target.watermark_column
    if name is None:
        raise TargetRefused("loadMode incremental_watermark needs watermarkColumn.")
    named_columns(shape.table, shape, [name], "watermarkColumn")
    if name not in {column.name for column in columns}:
        raise TargetRefused(f"watermarkColumn: the input has no column {name}.")
    column = shape.column(name)
    if column is None or column.kind not in ORDERED:
        raise TargetRefused(f"watermarkColumn: {name} is {column.type if column else 'missing'}, which has no order.")


def load(job: Job) -> Loaded:
    """Stage the rows, insert those above the mark, and move it to the highest of them."""
    column = next(each for each in job.shape.columns if each.name == job.target.watermark_column)
    # Two runs of one pipeline that both read the old mark would load the same rows twice.
    xact_lock(lock_key("watermark", job.context.pipeline_id, job.target.id))
    mark = _find(job, column)
    staged = stage(job, job.feed.batches())
    _refuse_bad_values(staged, column)
    values = staged.insert_values()
    name, above = quoted(column.name), ""
    if mark is not None:
        _refuse_mark(job, mark, column)
        above = f"WHERE s.{name} > {literal(mark.value)}::{column.type}"
    source = f"SELECT {', '.join(values.values())} FROM {staged.table.sql} s {above}"  # noqa: S608 - quoted names and literals
    statement = f"INSERT INTO {job.shape.table.sql} ({', '.join(values)}) {source}"
    written = run(job, f"{statement} ORDER BY s._kaireon_order")
    if written:
        _keep(job, column, staged)
    staged.drop()
    since = f" above {mark.value}" if mark else ", first load"
    return Loaded(written, staged.rows - written, f"incremental by {column.name}{since}")


def _find(job: Job, column: TableColumn) -> PipelineWatermark | None:
    marks = PipelineWatermark.objects.for_tenant(job.context.tenant_id).select_for_update()
    return marks.filter(
        pipeline_id=job.context.pipeline_id, node_id=job.target.id, column=column.name
    ).first()  # fmt: skip


def _keep(job: Job, column: TableColumn, staged: Staged) -> None:
    highest_of = f"SELECT max({quoted(column.name)})::text FROM {staged.table.sql}"  # noqa: S608 - quoted names
    job.cursor.execute(highest_of)
    highest = job.cursor.fetchone()[0]
    PipelineWatermark.objects.for_tenant(job.context.tenant_id).update_or_create(
        tenant_id=job.context.tenant_id, pipeline_id=job.context.pipeline_id, node_id=job.target.id, column=column.name,
        defaults={"value": highest, "value_type": column.kind, "updated_at": job.context.now},
    )  # fmt: skip


def _refuse_bad_values(staged: Staged, column: TableColumn) -> None:
    name, cursor = quoted(column.name), staged.job.cursor
    endless = ", ".join(f"'{value}'" for value in sorted(ENDLESS))
    bad = f"{name} IS NULL OR {name}::text IN ({endless})"
    first = f"SELECT _kaireon_order, {name}::text FROM {staged.table.sql} WHERE {bad}"  # noqa: S608 - quoted names
    cursor.execute(f"{first} ORDER BY 1 LIMIT 1")
    row = cursor.fetchone()
    if row:
        held = "no value" if row[1] is None else f"the value {row[1]}"
        raise TargetRefused(f"Row {row[0]:,} has {held} in {column.name}, which decides what is new.")


def _refuse_mark(job: Job, mark: PipelineWatermark, column: TableColumn) -> None:
    """Refuse a mark that was kept of another type: '9' and 9 are not ordered alike."""
    if mark.value_type != column.kind:
        raise TargetRefused(
            f"The mark of {column.name} was kept as {mark.value_type} ({mark.value}) and the column is {column.type} "
            "now. Load once with another watermarkColumn, or give the target node another id to begin anew."
        )
