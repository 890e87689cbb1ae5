"""Whether a load has about as many rows as the ones before it."""

from typing import Final

from flows.decisions.vocabulary import RunStatus
from flows.ir.targets import TargetNode
from flows.models import PipelineRun
from flows.targets.base import LoadContext, TargetRefused

# Fewer say nothing about what is usual.
LEAST_RUNS: Final = 3
MOST_RUNS: Final = 10


def check_row_count(target: TargetNode, context: LoadContext, rows: int) -> str:
    """Return a warning when the rows are too far from the mean of the last ten good runs, else an empty text.

    Raises TargetRefused instead where the target says `abort`. With fewer than three runs nothing is unusual.
    """
    rule = target.row_count_anomaly
    if rule is None:
        return ""
    before = _rows_before(target, context)
    mean = sum(before) / len(before) if before else 0.0
    if len(before) < LEAST_RUNS or not mean:
        return ""
    change = (rows - mean) / mean * 100
    if abs(change) <= rule.max_change_percent:
        return ""
    text = (
        f"{rows:,} rows are {abs(change):.0f} % {'more' if change > 0 else 'fewer'} than the mean of the last "
        f"{len(before)} runs ({mean:,.0f}); at most {rule.max_change_percent:g} % was expected."
    )
    if rule.on_fail == "abort":
        raise TargetRefused(text)
    return text


def _rows_before(target: TargetNode, context: LoadContext) -> list[int]:
    runs = PipelineRun.objects.for_tenant(context.tenant_id).filter(
        pipeline_id=context.pipeline_id, status__in=[RunStatus.COMPLETED, RunStatus.COMPLETED_WITH_ERRORS]
    )
    found = runs.order_by("-created_at", "-id").values_list("metadata", "rows_out")[:MOST_RUNS]
    return [int((metadata.get("targetRows") or {}).get(target.id, rows)) for metadata, rows in found]
