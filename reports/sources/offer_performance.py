"""What each offer was shown, clicked, accepted and earned; with `groupBy` each offer within each group.

Offers that were there only in the period before stand at the end, with zeros: that they are gone is news. Interactions
that name no offer are a row too, so that the table adds up to its figures.
"""

from enum import StrEnum

from pydantic import Field

from interactions import metrics
from interactions.selectors.breakdowns import Group, GroupAsk, read_groups
from interactions.selectors.narrowing import Dimension
from reports.decisions.document import Chart, ChartKind, Column, Row, Unit
from reports.sources.grouped import names_of, rest_note
from reports.sources.measured import OF_INTERACTIONS, Reckoning
from reports.sources.narrowed import narrowing_of
from reports.sources.params import InteractionFilters, Limit
from reports.sources.registry import Scope, Source, Table


class GroupBy(StrEnum):
    """What offers are grouped by."""

    CHANNEL = "channel"
    CATEGORY = "category"
    SEGMENT = "segment"


class OfferParams(InteractionFilters):
    """Which offers, how many of them, and in which groups."""

    limit: Limit = Field(20, description="At most so many rows, those with the most impressions first.")
    group_by: GroupBy | None = Field(None, description="One row for each offer within each group.")


RECKONING = Reckoning(OF_INTERACTIONS)
REVENUE_PLACE = RECKONING.place_of(metrics.REVENUE)


def _read(params: OfferParams, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    group = params.group_by.value if params.group_by else None
    groups = read_groups(
        GroupAsk(
            scope.tenant_id, (Dimension(group), Dimension.OFFER) if group else (Dimension.OFFER,),
            RECKONING.measures, period.current, period.before,
            order=RECKONING.place_of(metrics.IMPRESSIONS), limit=params.limit, narrowing=narrowing_of(params),
        )
    )  # fmt: skip
    what = (group, "offer") if group else ("offer",)
    rows = scope.spool.keep(_row(each, what) for each in groups.first)
    return Table(
        (
            *((Column(group, group.capitalize()),) if group else ()), Column("offer", "Offer"),
            Column("offerId", "Offer id"), *RECKONING.columns,
            Column("revenueBefore", "Revenue in the period before", Unit.MONEY),
        ),
        rows,
        figures=RECKONING.figures(groups.total.now, groups.total.before),
        chart=Chart(ChartKind.BAR, "offer", ("impressions", "positives"), "Impressions and positive outcomes by offer"),
        note=rest_note(len(rows), groups.found, "rows" if group else "offers", "impressions"),
        covers=period.current,
    )  # fmt: skip


def _row(group: Group, what: tuple[str, ...]) -> Row:
    names = names_of(group, what)
    return (*names, group.keys[-1], *RECKONING.cells(group.now), group.before[REVENUE_PLACE])


SOURCE = Source(
    "offer_performance", "Offer performance", "Impressions, clicks, acceptance and revenue of each offer.",
    OfferParams, _read,
)  # fmt: skip
