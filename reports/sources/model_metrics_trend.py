"""How well decisions were made, day by day: latency, fallbacks, errors, and how much of what qualified was removed."""

from pydantic import Field

from interactions.selectors.narrowing import Narrowing
from reports.decisions.document import Chart, ChartKind
from reports.sources.daily import DAY, read_daily
from reports.sources.measured import OF_DECISIONS
from reports.sources.params import PeriodParams, TextId
from reports.sources.registry import Scope, Source, Table


class DecisionFilters(PeriodParams):
    """Which decisions."""

    channel_id: TextId | None = Field(None, description="Only this channel.")


def _read(params: DecisionFilters, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    daily = read_daily(OF_DECISIONS, period, scope, Narrowing(channel_id=params.channel_id))
    return Table(
        (DAY, *daily.columns),
        scope.spool.keep((day.date, *cells) for day, cells in zip(period.days, daily.cells, strict=True)),
        figures=daily.figures,
        chart=Chart(ChartKind.LINE, "day", ("latencyP50", "latencyP95", "latencyP99"), "Latency by day"),
        covers=period.current,
    )


SOURCE = Source(
    "model_metrics_trend", "Decision quality by day", "Latency, fallbacks, errors and suppression by day.",
    DecisionFilters, _read,
)  # fmt: skip
