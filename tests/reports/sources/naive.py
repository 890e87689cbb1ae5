"""What sources should say, said again in plain Python over a list of rows: slow, and with nothing in common with SQL.

Rows are unsaved objects of `tests.interactions.history`; the flags that the database computes are computed here too.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from interactions.models import DecisionTrace, Interaction

Shown = Mapping[str, Any]


@dataclass
class World:
    """One tenant's history and catalogue."""

    interactions: list[Interaction] = field(default_factory=list)
    traces: list[DecisionTrace] = field(default_factory=list)
    categories: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Days:
    """The last so many days of a zone up to a moment, by asking each instant which day it has."""

    until: datetime
    days: int
    zone: str

    def day_of(self, at: datetime) -> date:
        """Return an instant's date on the zone's calendar."""
        return at.astimezone(ZoneInfo(self.zone)).date()

    @property
    def last(self) -> date:
        """Return the day that has the last moment."""
        return self.day_of(self.until - timedelta(microseconds=1))

    def is_now(self, at: datetime) -> bool:
        """Tell whether an instant is in the period."""
        return at < self.until and self.last - timedelta(days=self.days) < self.day_of(at) <= self.last

    def is_before(self, at: datetime) -> bool:
        """Tell whether an instant is in the period before, which ends at the same time of the clock."""
        shifted = self.last - timedelta(days=self.days)
        if not shifted - timedelta(days=self.days) < self.day_of(at) <= shifted:
            return False
        local_end = self.until.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None) - timedelta(days=self.days)
        return at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None) < local_end

    def dates(self) -> list[date]:
        """Return the days of the period, oldest first."""
        return [self.last - timedelta(days=back) for back in reversed(range(self.days))]


def part(above: float, below: float) -> float | None:
    """Return a ratio, None without a denominator."""
    return above / below if below else None


def segment_of(row: Interaction) -> str | None:
    """Return the segment that a recording names, in its context or else in its attributes."""
    for place in (row.context, row.attributes):
        if isinstance(place, dict) and place.get("segmentId") is not None:
            return str(place["segmentId"])
    return None


def responses(rows: Iterable[Interaction]) -> dict[str, Any]:
    """Return what the columns about interactions say of these."""
    seen = list(rows)
    impressions = sum(row.category == "impression" and row.outcome != "not_presented" for row in seen)
    clicks = sum(row.outcome in {"click", "convert"} for row in seen)
    positives = sum(row.classification == "positive" for row in seen)
    return {
        "impressions": impressions,
        "clicks": clicks,
        "positives": positives,
        "acceptanceRate": part(positives, impressions),
        "ctr": part(clicks, impressions),
        "revenue": sum((row.conversion_value or Decimal(0) for row in seen), Decimal(0)),
    }


def conversions(rows: Iterable[Interaction]) -> int:
    """Count those with a value."""
    return sum(row.conversion_value is not None for row in rows)


def quality(rows: Iterable[DecisionTrace]) -> dict[str, Any]:
    """Return what the columns about decisions say of these."""
    seen = list(rows)
    qualified = sum(row.after_qualification for row in seen)
    kept = sum(row.after_contact_policy for row in seen)
    return {
        "decisions": len(seen),
        "selectionFrequency": part(sum(row.selected_count > 0 for row in seen), len(seen)),
        "suppressionRate": part(qualified - kept, qualified),
        "emptyCandidateRate": part(sum(row.final_count == 0 for row in seen), len(seen)),
        "degradedScoringRate": part(sum(row.degraded_scoring for row in seen), len(seen)),
        "errorRate": part(sum(row.status_code >= 500 for row in seen), len(seen)),
        "latencyP50": percentile([row.total_latency_ms for row in seen], 50),
        "latencyP95": percentile([row.total_latency_ms for row in seen], 95),
        "latencyP99": percentile([row.total_latency_ms for row in seen], 99),
    }


def percentile(values: Sequence[float], rank: int) -> float | None:
    """Return the percentile, linear between neighbours: another library's."""
    if not values:
        return None
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[rank - 1]


def grouped(rows: Iterable[Any], key: Callable[[Any], Any], period: Days) -> dict[Any, tuple[list[Any], list[Any]]]:
    """Return the rows of the period and of the one before, by their key; a key of either is there."""
    found: dict[Any, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for row in rows:
        if period.is_now(row.occurred_at):
            found[key(row)][0].append(row)
        elif period.is_before(row.occurred_at):
            found[key(row)][1].append(row)
    return dict(found)


def offers(world: World, period: Days) -> dict[Any, Shown]:
    """Return the rows of `offer_performance`, by the offer's id."""
    groups = grouped(world.interactions, lambda row: row.offer_id, period)
    return {
        offer: responses(now) | {"revenueBefore": responses(before)["revenue"]}
        for offer, (now, before) in groups.items()
    }


def offers_within(world: World, period: Days, group: str) -> dict[Any, Shown]:
    """Return the rows of `offer_performance` with `groupBy`, by group and offer."""
    keys: dict[str, Callable[[Interaction], Any]] = {
        "channel": lambda row: row.channel_id,
        "category": lambda row: world.categories.get(row.offer_id or "") or None,
        "segment": segment_of,
    }
    key = keys[group]
    groups = grouped(world.interactions, lambda row: (key(row), row.offer_id), period)
    return {
        both: responses(now) | {"revenueBefore": responses(before)["revenue"]} for both, (now, before) in groups.items()
    }


def channels(world: World, period: Days) -> dict[Any, Shown]:
    """Return the rows of `channel_effectiveness`, by the channel's id."""
    groups = grouped(world.interactions, lambda row: row.channel_id, period)
    return {
        channel: responses(now) | {"acceptanceRateBefore": responses(before)["acceptanceRate"]}
        for channel, (now, before) in groups.items()
    }


def decisions(world: World, period: Days, key: str) -> dict[Any, Shown]:
    """Return the rows of `decision_traces_summary`, by channel or placement."""
    groups = grouped(world.traces, lambda row: getattr(row, f"{key}_id"), period)
    return {each: quality(now) | {"decisionsBefore": len(before)} for each, (now, before) in groups.items()}


def days(world: World, period: Days) -> dict[date, Shown]:
    """Return the rows of `daily_trend`, by day."""
    shown: dict[date, list[Interaction]] = {day: [] for day in period.dates()}
    decided: dict[date, list[DecisionTrace]] = {day: [] for day in period.dates()}
    for row in world.interactions:
        if period.is_now(row.occurred_at):
            shown[period.day_of(row.occurred_at)].append(row)
    for trace in world.traces:
        if period.is_now(trace.occurred_at):
            decided[period.day_of(trace.occurred_at)].append(trace)
    wanted = ("decisions", "selectionFrequency", "latencyP99")
    return {
        day: responses(shown[day]) | {name: value for name, value in quality(decided[day]).items() if name in wanted}
        for day in period.dates()
    }


def revenue(world: World, period: Days) -> dict[date, Shown]:
    """Return the rows of `revenue_trend`, by day."""
    earned: dict[date, list[Interaction]] = defaultdict(list)
    for row in world.interactions:
        if period.is_now(row.occurred_at) or period.is_before(row.occurred_at):
            earned[period.day_of(row.occurred_at)].append(row)
    return {
        day: {
            "revenue": responses(earned[day])["revenue"],
            "revenueBefore": responses(earned[day - timedelta(days=period.days)])["revenue"],
            "conversions": conversions(earned[day]),
        }
        for day in period.dates()
    }


def funnel(world: World, period: Days) -> dict[str, int]:
    """Return the counts of `funnel`, by stage."""
    seen = [row for row in world.interactions if period.is_now(row.occurred_at)]
    decided = [row for row in world.traces if period.is_now(row.occurred_at)]
    return {
        "qualified": sum(row.after_qualification for row in decided),
        "afterContactPolicy": sum(row.after_contact_policy for row in decided),
        "ranked": sum(row.final_count for row in decided),
        "selected": sum(row.selected_count for row in decided),
        "impressions": responses(seen)["impressions"],
        "clicks": responses(seen)["clicks"],
        "conversions": conversions(seen),
    }


def selections(world: World, period: Days) -> dict[str, dict[str, Any]]:
    """Return the rows of `selection_frequency`, by offer; ranks and scores are those of the period."""
    now = [row for row in world.traces if period.is_now(row.occurred_at)]
    before = [row for row in world.traces if period.is_before(row.occurred_at)]
    found: dict[str, dict[str, Any]] = {}
    for offer in {each["offerId"] for row in (*now, *before) for each in row.selected}:
        mine = [[each for each in row.selected if each["offerId"] == offer] for row in now]
        ranks = [min(each["rank"] for each in those) for those in mine if those]
        scores = [max(each["score"] for each in those) for those in mine if those]
        earlier = sum(any(each["offerId"] == offer for each in row.selected) for row in before)
        found[offer] = {
            "decisions": len(ranks),
            "frequency": part(len(ranks), len(now)),
            "first": ranks.count(1),
            "meanRank": statistics.fmean(ranks) if ranks else None,
            "meanScore": statistics.fmean(scores) if scores else None,
            "frequencyBefore": part(earlier, len(before)),
        }
    return found


def fates(world: World, period: Days, offer: str) -> Counter[tuple[str, str | None]]:
    """Return how often each fate came of a decision for the offer, with who was ahead."""
    return Counter(_fate(row, offer) for row in world.traces if period.is_now(row.occurred_at))


def _fate(row: DecisionTrace, offer: str) -> tuple[str, str | None]:
    ranked = sorted(row.selected, key=lambda each: (each["rank"], each["offerId"]))
    mine = [each["rank"] for each in ranked if each["offerId"] == offer]
    if mine and min(mine) == ranked[0]["rank"]:
        return "first", None
    if mine:
        return "outranked", ranked[0]["offerId"]
    if row.status_code >= 500:
        return "failed", None
    if ranked:
        return "not_selected", ranked[0]["offerId"]
    if not row.after_qualification:
        return "none_qualified", None
    return ("none_selected" if row.after_contact_policy else "all_suppressed"), None


def scores(world: World, period: Days, buckets: int) -> Counter[int]:
    """Return how many selections of the period have a score in each part."""
    found = [each["score"] for row in world.traces if period.is_now(row.occurred_at) for each in row.selected]
    return Counter(min(int(score * buckets), buckets - 1) for score in found)


def spent(world: World, start: datetime, end: datetime, **wanted: str) -> Decimal:
    """Return what interactions of a stretch say they cost, narrowed by their columns."""
    costs = [
        Decimal(str(row.attributes["cost"]))
        for row in world.interactions
        if start <= row.occurred_at < end and all(getattr(row, name) == value for name, value in wanted.items())
        if row.attributes and isinstance(row.attributes.get("cost"), int | float)
    ]
    return sum(costs, Decimal(0))
