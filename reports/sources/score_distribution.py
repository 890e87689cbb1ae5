"""How the scores of what was selected are spread: how many selections fall into each part of 0 to 1."""

from pydantic import Field

from interactions.selectors.selections import TraceAsk, read_scores
from reports.decisions.document import Chart, ChartKind, Column, Figure, Unit
from reports.sources.params import PeriodParams, TextId
from reports.sources.registry import Scope, Source, Table


class ScoreParams(PeriodParams):
    """Whose scores, in how many parts."""

    channel_id: TextId | None = Field(None, description="Only this channel.")
    offer_id: TextId | None = Field(None, description="Only selections of this offer.")
    buckets: int = Field(10, ge=2, le=100, description="Into how many equal parts 0 to 1 is divided.")


COLUMNS = (
    Column("score", "Score"),
    Column("selections", "Selections", Unit.COUNT),
    Column("share", "Of all selections with a score", Unit.RATIO),
    Column("selectionsBefore", "Selections in the period before", Unit.COUNT),
)


def _read(params: ScoreParams, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    ask = TraceAsk(scope.tenant_id, period.current, period.before, params.channel_id)
    now, before = read_scores(ask, params.buckets, params.offer_id)
    total, total_before = sum(now.values()), sum(before.values())
    shown = [part for part in range(-1, params.buckets + 1) if 0 <= part < params.buckets or part in now | before]
    return Table(
        COLUMNS,
        # Without a single score there is no distribution, and no rows of zeros that would look like one.
        scope.spool.keep(
            (_bucket(part, params.buckets), now.get(part, 0), _part(now.get(part, 0), total), before.get(part, 0))
            for part in (shown if total or total_before else ())
        ),
        figures=(Figure("selections", "Selections with a score", total, Unit.COUNT, total_before),),
        chart=Chart(ChartKind.BAR, "score", ("selections", "selectionsBefore"), "Selections by score"),
        covers=period.current,
    )


def _part(count: int, whole: int) -> float | None:
    return count / whole if whole else None


def _bucket(part: int, buckets: int) -> str:
    if part < 0:
        return "below 0"
    if part >= buckets:
        return "above 1"
    return f"{_edge(part, buckets)} to {_edge(part + 1, buckets)}"


def _edge(part: int, buckets: int) -> str:
    return f"{part / buckets:.3f}".rstrip("0").rstrip(".")


SOURCE = Source(
    "score_distribution", "Score distribution", "How the scores of selected offers are spread.", ScoreParams, _read
)
