"""From what qualified to what earned: the steps of the decisions, then what customers saw and did.

The first four steps count offers over all decisions, the last three interactions. They are recorded apart, so a step
can be larger than the one before: history that was imported without its decisions, say.
"""

from typing import Final

from pydantic import Field

from interactions import metrics
from interactions.selectors import measures
from interactions.selectors.narrowing import Narrowing
from interactions.selectors.spans import read_spans
from reports.decisions.document import Chart, ChartKind, Column, Figure, Unit
from reports.sources.params import PipelineParams, TextId
from reports.sources.registry import Scope, Source, Table


class FunnelParams(PipelineParams):
    """Which channel's funnel."""

    channel_id: TextId | None = Field(None, description="Only this channel.")


OF_DECISIONS: Final = {
    "qualified": ("Qualified", metrics.QUALIFIED),
    "afterContactPolicy": ("Kept by the contact policy", measures.SURVIVED),
    "ranked": ("Ranked", measures.RANKED),
    "selected": ("Selected", measures.SELECTIONS),
}
OF_INTERACTIONS: Final = {
    "impressions": ("Impressions", metrics.IMPRESSIONS),
    "clicks": ("Clicks", metrics.CLICKS),
    "conversions": ("Conversions with a value", measures.CONVERSIONS),
}
COLUMNS: Final = (
    Column("stage", "Stage"),
    Column("count", "Count", Unit.COUNT),
    Column("ofPrevious", "Of the stage before", Unit.RATIO),
    Column("ofFirst", "Of the first stage", Unit.RATIO),
    Column("countBefore", "Count in the period before", Unit.COUNT),
    Column("stageKey", "Stage key"),
)


def _read(params: FunnelParams, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    now: list[int] = []
    before: list[int] = []
    for stages in (OF_DECISIONS, OF_INTERACTIONS):
        found, earlier = read_spans(
            tenant_id=scope.tenant_id, measures=[measure for _, measure in stages.values()],
            spans=[period.current, period.before], narrowing=Narrowing(channel_id=params.channel_id),
        )  # fmt: skip
        now += map(int, found)
        before += map(int, earlier)
    named = [(key, label) for stages in (OF_DECISIONS, OF_INTERACTIONS) for key, (label, _) in stages.items()]
    return Table(
        COLUMNS,
        scope.spool.keep(
            (label, count, _part(count, previous), _part(count, now[0]), earlier, key)
            for (key, label), count, previous, earlier in zip(named, now, [None, *now], before, strict=False)
        ),
        figures=tuple(
            Figure(key, label, count, Unit.COUNT, earlier)
            for (key, label), count, earlier in zip(named, now, before, strict=True)
        ),
        chart=Chart(ChartKind.FUNNEL, "stage", ("count",), "From qualified to converted"),
        covers=period.current,
    )


def _part(count: int, whole: int | None) -> float | None:
    return count / whole if whole else None


SOURCE = Source("funnel", "Funnel", "Offers from qualification to conversion, step by step.", FunnelParams, _read)
