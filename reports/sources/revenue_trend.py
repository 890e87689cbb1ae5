"""Revenue by day: every calendar day of the period has a row, also one on which nothing was earned."""

from interactions.metrics import REVENUE
from interactions.selectors.measures import CONVERSIONS
from interactions.selectors.spans import read_spans
from reports.decisions.document import Chart, ChartKind, Column, Figure, Unit
from reports.sources.narrowed import narrowing_of
from reports.sources.params import InteractionFilters
from reports.sources.registry import Scope, Source, Table

COLUMNS = (
    Column("day", "Day", Unit.DATE),
    Column("revenue", "Revenue", Unit.MONEY),
    Column("revenueBefore", "Revenue in the period before", Unit.MONEY),
    Column("conversions", "Conversions with a value", Unit.COUNT),
)


def _read(params: InteractionFilters, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    days, days_before = period.days, period.days_before
    sums = read_spans(
        tenant_id=scope.tenant_id, measures=(REVENUE, CONVERSIONS), narrowing=narrowing_of(params),
        spans=[(day.start, day.end) for day in (*days, *days_before)],
    )  # fmt: skip
    now, before = sums[: len(days)], sums[len(days) :]
    # A zone that once skipped a whole day (Apia, 2011) has one day less before.
    before += [(0, 0)] * (len(days) - len(before))
    return Table(
        COLUMNS,
        scope.spool.keep(
            (day.date, revenue, earlier[0], conversions)
            for day, (revenue, conversions), earlier in zip(days, now, before, strict=True)
        ),
        figures=(
            Figure("revenue", "Revenue", sum(row[0] for row in now), Unit.MONEY, sum(row[0] for row in before)),
            Figure("conversions", "Conversions", sum(row[1] for row in now), Unit.COUNT, sum(row[1] for row in before)),
        ),
        chart=Chart(ChartKind.LINE, "day", ("revenue", "revenueBefore"), "Revenue by day"),
        covers=period.current,
    )


SOURCE = Source(
    "revenue_trend", "Revenue trend", "Conversion value by day, days without any included.", InteractionFilters, _read
)
