"""What tables by day share: a row for each calendar day of the period, also for one on which nothing happened."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from interactions.selectors.narrowing import EVERYTHING, Narrowing
from interactions.selectors.spans import read_spans
from reports.decisions.document import Column, Figure, Unit
from reports.decisions.periods import Period
from reports.sources.measured import Measured, Reckoning
from reports.sources.registry import Scope

DAY: Final = Column("day", "Day", Unit.DATE)


class Daily(NamedTuple):
    """Cells for each day, and the figures of the whole period."""

    columns: tuple[Column, ...]
    cells: list[tuple[Any, ...]]
    figures: tuple[Figure, ...]


def read_daily(measured: Sequence[Measured], period: Period, scope: Scope, narrowing: Narrowing = EVERYTHING) -> Daily:
    """Return the columns' cells for each day of the period; all of them are of one table.

    The whole period is a span of its own: a percentile over a week is not made of those of its days.
    """
    reckoning = Reckoning(measured)
    spans = [(day.start, day.end) for day in period.days]
    *days, now, before = read_spans(
        tenant_id=scope.tenant_id, measures=reckoning.measures, narrowing=narrowing,
        spans=[*spans, period.current, period.before],
    )  # fmt: skip
    return Daily(reckoning.columns, [reckoning.cells(each) for each in days], reckoning.figures(now, before))
