"""Why an offer was not ranked first: what came of every decision of the period for it, and who was chosen instead.

A decision trace names what was selected and counts what was left after each step; which offers a step removed it does
not name. So a decision without the offer says why nothing, or who else, was selected, and no more.
"""

from typing import Final

from pydantic import Field

from interactions.selectors.selections import Fate, TraceAsk, read_fates
from reports.decisions.document import Chart, ChartKind, Column, Figure, Row, Unit
from reports.sources.params import Limit, PeriodParams, TextId
from reports.sources.registry import Scope, Source, Table


class WhyParams(PeriodParams):
    """Which offer, in which decisions."""

    offer_id: TextId = Field(description="The offer that is asked about; it must be given.")
    channel_id: TextId | None = Field(None, description="Only this channel.")
    limit: Limit = Field(20, description="At most so many rows, those with the most decisions first.")


REASONS: Final = {
    "first": "Selected as the first",
    "outranked": "Selected behind {ahead}",
    "not_selected": "{ahead} was selected instead",
    "none_selected": "Offers were left and none was selected",
    "all_suppressed": "The contact policy removed every offer",
    "none_qualified": "No offer qualified",
    "failed": "The decision failed",
}
COLUMNS: Final = (
    Column("reason", "What came of the decision"),
    Column("ahead", "Offer ranked first"),
    Column("decisions", "Decisions", Unit.COUNT),
    Column("share", "Of all decisions", Unit.RATIO),
    Column("decisionsBefore", "Decisions in the period before", Unit.COUNT),
    Column("reasonKey", "Reason key"),
    Column("aheadId", "Offer id"),
)
NOTE: Final = "A trace names only what was selected, so at which step this offer itself was lost is not known."


def _read(params: WhyParams, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    ask = TraceAsk(scope.tenant_id, period.current, period.before, params.channel_id)
    fates = sorted(read_fates(ask, params.offer_id), key=_order)
    total, before = sum(each.decisions for each in fates), sum(each.decisions_before for each in fates)
    cut = f" Shows {params.limit:,} of {len(fates):,} rows, those with the most decisions." * (
        len(fates) > params.limit
    )
    return Table(
        COLUMNS,
        scope.spool.keep(_row(each, total) for each in fates[: params.limit]),
        figures=(
            Figure("decisions", "Decisions", total, Unit.COUNT, before),
            _figure("selected", "Decisions that selected it", fates, "first", "outranked"),
            _figure("first", "Decisions that ranked it first", fates, "first"),
        ),
        chart=Chart(ChartKind.BAR, "reason", ("decisions",), "What came of the decisions"),
        note=NOTE + cut,
        covers=period.current,
    )


def _order(fate: Fate) -> tuple[int, int, str]:
    return (-fate.decisions, list(REASONS).index(fate.fate), fate.winner or "")


def _row(fate: Fate, total: int) -> Row:
    ahead = fate.winner_name or fate.winner
    return (
        REASONS[fate.fate].format(ahead=ahead), ahead, fate.decisions, fate.decisions / total if total else None,
        fate.decisions_before, fate.fate, fate.winner,
    )  # fmt: skip


def _figure(key: str, label: str, fates: list[Fate], *counted: str) -> Figure:
    those = [each for each in fates if each.fate in counted]
    return Figure(
        key, label, sum(each.decisions for each in those), Unit.COUNT, sum(each.decisions_before for each in those)
    )


SOURCE = Source(
    "why_not_ranked", "Why not ranked", "What came of each decision for one offer, and who was ranked first instead.",
    WhyParams, _read,
)  # fmt: skip
