"""How the days went: what customers were shown and did, and the decisions behind it, one row for each calendar day.

Decisions know their channel only: with a filter by offer, category or segment their columns are left out.
"""

from interactions.selectors.narrowing import Narrowing
from reports.decisions.document import Chart, ChartKind
from reports.sources.daily import DAY, Daily, read_daily
from reports.sources.measured import DECISIONS, LATENCY_P99, OF_INTERACTIONS, SELECTION_FREQUENCY
from reports.sources.narrowed import narrowing_of
from reports.sources.params import InteractionFilters
from reports.sources.registry import Scope, Source, Table

OF_TRACES = (DECISIONS, SELECTION_FREQUENCY, LATENCY_P99)


def _read(params: InteractionFilters, scope: Scope) -> Table:
    period, narrowing = params.period(scope.now, scope.zone), narrowing_of(params)
    shown = read_daily(OF_INTERACTIONS, period, scope, narrowing)
    decided = Daily((), [()] * len(shown.cells), ())
    if Narrowing(channel_id=params.channel_id) == narrowing:
        decided = read_daily(OF_TRACES, period, scope, narrowing)
    rows = zip(period.days, shown.cells, decided.cells, strict=True)
    return Table(
        (DAY, *shown.columns, *decided.columns),
        scope.spool.keep((day.date, *cells, *others) for day, cells, others in rows),
        figures=(*shown.figures, *decided.figures),
        chart=Chart(ChartKind.LINE, "day", ("impressions", "clicks", "positives"), "Impressions and responses by day"),
        covers=period.current,
    )


SOURCE = Source(
    "daily_trend", "Daily trend", "Impressions, responses, revenue and decisions by day.", InteractionFilters, _read
)
