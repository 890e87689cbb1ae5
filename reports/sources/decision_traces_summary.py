"""How decisions went, by channel or placement: how many, what was selected and removed, how fast, how often failed."""

from enum import StrEnum

from pydantic import Field

from interactions import metrics
from interactions.selectors.breakdowns import GroupAsk, read_groups
from interactions.selectors.narrowing import Dimension, Narrowing
from reports.decisions.document import Chart, ChartKind, Column, Unit
from reports.sources.grouped import names_of, rest_note
from reports.sources.measured import OF_DECISIONS, Reckoning
from reports.sources.params import Limit, PipelineParams, TextId
from reports.sources.registry import Scope, Source, Table


class TraceGroup(StrEnum):
    """What decisions are grouped by."""

    CHANNEL = "channel"
    PLACEMENT = "placement"


class TracesParams(PipelineParams):
    """Which decisions, in which groups."""

    group_by: TraceGroup = Field(TraceGroup.CHANNEL, description="One row for each channel, or each placement.")
    channel_id: TextId | None = Field(None, description="Only this channel.")
    limit: Limit = Field(50, description="At most so many rows, those with the most decisions first.")


RECKONING = Reckoning(OF_DECISIONS)
TRACES_PLACE = RECKONING.place_of(metrics.TRACES)


def _read(params: TracesParams, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    group = params.group_by.value
    groups = read_groups(
        GroupAsk(
            scope.tenant_id, (Dimension(group),), RECKONING.measures, period.current, period.before,
            order=TRACES_PLACE, limit=params.limit, narrowing=Narrowing(channel_id=params.channel_id),
        )
    )  # fmt: skip
    rows = scope.spool.keep(
        (*names_of(each, (group,)), each.keys[0], *RECKONING.cells(each.now), each.before[TRACES_PLACE])
        for each in groups.first
    )
    return Table(
        (
            Column(group, group.capitalize()), Column(f"{group}Id", f"{group.capitalize()} id"), *RECKONING.columns,
            Column("decisionsBefore", "Decisions in the period before", Unit.COUNT),
        ),
        rows,
        figures=RECKONING.figures(groups.total.now, groups.total.before),
        chart=Chart(ChartKind.BAR, group, ("decisions", "decisionsBefore"), f"Decisions by {group}"),
        note=rest_note(len(rows), groups.found, f"{group}s", "decisions"),
        covers=period.current,
    )  # fmt: skip


SOURCE = Source(
    "decision_traces_summary", "Decision traces", "Number, selection, suppression, latency and errors of decisions.",
    TracesParams, _read,
)  # fmt: skip
