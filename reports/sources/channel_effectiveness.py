"""What each channel was worth: shown, clicked, accepted, earned, and its acceptance in the period before."""

from pydantic import Field

from interactions import metrics
from interactions.selectors.breakdowns import Group, GroupAsk, read_groups
from interactions.selectors.narrowing import Dimension
from reports.decisions.document import Chart, ChartKind, Column, Row, Unit
from reports.sources.grouped import names_of, rest_note
from reports.sources.measured import ACCEPTANCE_RATE, OF_INTERACTIONS, Reckoning
from reports.sources.narrowed import narrowing_of
from reports.sources.params import InteractionFilters, Limit
from reports.sources.registry import Scope, Source, Table


class ChannelParams(InteractionFilters):
    """Which channels, and how many of them."""

    limit: Limit = Field(50, description="At most so many channels, those with the most impressions first.")


RECKONING = Reckoning(OF_INTERACTIONS)
ACCEPTANCE_PLACE = OF_INTERACTIONS.index(ACCEPTANCE_RATE)


def _read(params: ChannelParams, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    groups = read_groups(
        GroupAsk(
            scope.tenant_id, (Dimension.CHANNEL,), RECKONING.measures, period.current, period.before,
            order=RECKONING.place_of(metrics.IMPRESSIONS), limit=params.limit, narrowing=narrowing_of(params),
        )
    )  # fmt: skip
    rows = scope.spool.keep(_row(each) for each in groups.first)
    return Table(
        (
            Column("channel", "Channel"), Column("channelId", "Channel id"), *RECKONING.columns,
            Column("acceptanceRateBefore", "Acceptance rate in the period before", Unit.RATIO),
        ),
        rows,
        figures=RECKONING.figures(groups.total.now, groups.total.before),
        chart=Chart(
            ChartKind.BAR, "channel", ("acceptanceRate", "acceptanceRateBefore"), "Acceptance rate by channel"
        ),
        note=rest_note(len(rows), groups.found, "channels", "impressions"),
        covers=period.current,
    )  # fmt: skip


def _row(group: Group) -> Row:
    before = RECKONING.cells(group.before)[ACCEPTANCE_PLACE]
    return (*names_of(group, ("channel",)), group.keys[0], *RECKONING.cells(group.now), before)


SOURCE = Source(
    "channel_effectiveness", "Channel effectiveness", "Impressions, clicks, acceptance and revenue of each channel.",
    ChannelParams, _read,
)  # fmt: skip
