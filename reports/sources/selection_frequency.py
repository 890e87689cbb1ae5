"""How often decisions selected each offer: in how many, as the first in how many, at which rank and score.

A part is of all decisions of the period, also of those that selected nothing.
"""

from pydantic import Field

from interactions.selectors.narrowing import Narrowing
from interactions.selectors.selections import SelectedOffer, TraceAsk, read_selected_offers
from interactions.selectors.spans import read_spans
from reports.decisions.document import Chart, ChartKind, Column, Row, Unit
from reports.sources.grouped import name_of, rest_note
from reports.sources.measured import DECISIONS, SELECTION_FREQUENCY, Reckoning
from reports.sources.params import Limit, PeriodParams, TextId
from reports.sources.registry import Scope, Source, Table


class SelectionParams(PeriodParams):
    """Which decisions, and how many offers."""

    channel_id: TextId | None = Field(None, description="Only this channel.")
    limit: Limit = Field(20, description="At most so many offers, those selected most first.")


RECKONING = Reckoning((DECISIONS, SELECTION_FREQUENCY))
COLUMNS = (
    Column("offer", "Offer"),
    Column("offerId", "Offer id"),
    Column("decisions", "Decisions that selected it", Unit.COUNT),
    Column("frequency", "Of all decisions", Unit.RATIO),
    Column("first", "As the first", Unit.COUNT),
    Column("meanRank", "Mean rank", Unit.NUMBER),
    Column("meanScore", "Mean score", Unit.NUMBER),
    Column("frequencyBefore", "Of all decisions in the period before", Unit.RATIO),
)


def _read(params: SelectionParams, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    ask = TraceAsk(scope.tenant_id, period.current, period.before, params.channel_id)
    now, before = read_spans(
        tenant_id=scope.tenant_id, measures=RECKONING.measures, spans=[period.current, period.before],
        narrowing=Narrowing(channel_id=params.channel_id),
    )  # fmt: skip
    offers = read_selected_offers(ask, params.limit)
    decisions, decisions_before = RECKONING.cells(now)[0], RECKONING.cells(before)[0]
    rows = scope.spool.keep(_row(each, decisions, decisions_before) for each in offers.first)
    return Table(
        COLUMNS,
        rows,
        figures=RECKONING.figures(now, before),
        chart=Chart(ChartKind.BAR, "offer", ("frequency", "frequencyBefore"), "Share of decisions that selected it"),
        note=rest_note(len(rows), offers.found, "offers", "decisions"),
        covers=period.current,
    )


def _row(offer: SelectedOffer, decisions: int, decisions_before: int) -> Row:
    return (
        name_of(offer.offer_id, offer.name, "offer"), offer.offer_id, offer.decisions,
        offer.decisions / decisions if decisions else None, offer.firsts, offer.mean_rank, offer.mean_score,
        offer.decisions_before / decisions_before if decisions_before else None,
    )  # fmt: skip


SOURCE = Source(
    "selection_frequency", "Selection frequency", "In which part of the decisions each offer was selected.",
    SelectionParams, _read,
)  # fmt: skip
