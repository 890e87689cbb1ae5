"""Invent a plausible history: the same seed and the same days give the same customers, offers, times and outcomes."""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from interactions.decisions.imported_rows import ImportedRow
from interactions.decisions.outcomes import SYSTEM_OUTCOMES

CHANNELS = (("web", "Website"), ("app", "Mobile app"), ("email", "E-mail"), ("call-centre", "Call centre"))
OFFERS = (
    ("gold-card", "Gold card", "cards", 60),
    ("cash-loan", "Cash loan", "loans", 140),
    ("savings-plus", "Savings Plus", "savings", 25),
    ("travel-cover", "Travel cover", "insurance", 35),
    ("home-mortgage", "Home mortgage", "loans", 900),
    ("student-account", "Student account", "accounts", 10),
)
CUSTOMERS = 5_000
# How busy each hour of the day is, in UTC: quiet nights, a peak at noon and a higher one in the evening.
HOURS = (3, 2, 1, 1, 1, 2, 4, 7, 9, 10, 11, 12, 12, 10, 9, 9, 10, 12, 14, 15, 13, 10, 7, 5)
# After an impression: how often each outcome follows.
RESPONSES = (("click", 0.14), ("dismiss", 0.06), ("not_interested", 0.02), ("requested_info", 0.01), ("deferred", 0.01))
ACCEPT_AFTER_CLICK = 0.3
CONVERT_AFTER_ACCEPT = 0.5
_MEANING = {outcome.key: outcome for outcome in SYSTEM_OUTCOMES}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A contact policy gone wrong: in the last `hours` it removes `suppression` of what qualified."""

    hours: float = 3.0
    suppression: float = 0.95


class DemoTrace(NamedTuple):
    """One decision, in the order of the staging columns."""

    idempotency_key: str
    customer_id: str
    occurred_at: datetime
    recommendation_id: str
    channel_id: str
    placement_id: str
    after_qualification: int
    after_contact_policy: int
    final_count: int
    selected: str
    selected_count: int
    total_latency_ms: float
    degraded_scoring: bool
    status_code: int


class DemoDay(NamedTuple):
    """Twenty-four hours of decisions and what came of them."""

    traces: list[DemoTrace]
    interactions: list[ImportedRow]


def invent_days(*, days: int, per_day: int, seed: int, now: datetime, anomaly: Anomaly | None) -> Iterator[DemoDay]:
    """Invent the `days` times 24 hours up to `now`, oldest first, each with exactly `per_day` interactions."""
    for back in range(days, 0, -1):
        start = now - timedelta(days=back)
        yield _Day(start, start + timedelta(days=1), now, seed, anomaly).invent(per_day)


class _Day:
    """The dice of one day."""

    def __init__(self, start: datetime, end: datetime, now: datetime, seed: int, anomaly: Anomaly | None) -> None:
        self._random = random.Random(f"{seed} {start.isoformat()}")  # noqa: S311 - a demo, not a secret
        self._prefix = f"demo:{seed}:{start:%Y%m%dT%H%M%S}"
        self._start, self._end = start, end
        self._suppression = anomaly.suppression if anomaly else 0.0
        self._anomaly_from = now - timedelta(hours=anomaly.hours) if anomaly else end
        self._day = DemoDay([], [])

    def invent(self, per_day: int) -> DemoDay:
        """Decide until enough interactions came of it; a day of nothing but suppression still ends."""
        for number in range(per_day * 20):
            if len(self._day.interactions) >= per_day:
                break
            self._decide(number)
        del self._day.interactions[per_day:]
        return self._day

    def _decide(self, number: int) -> None:
        at = self._moment()
        qualified = self._random.randint(4, 12)
        kept = sum(self._random.random() >= self._suppression_at(at) for _ in range(qualified))
        is_degraded = self._random.random() < 0.02
        is_failed = self._random.random() < 0.004
        final = 0 if is_failed else min(kept, self._random.randint(1, 4))
        channel = self._random.choice(CHANNELS)[0]
        offers = self._random.sample(OFFERS, k=min(final, len(OFFERS)))
        trace = DemoTrace(
            idempotency_key=f"{self._prefix}:d{number}",
            customer_id=f"customer-{self._random.randrange(CUSTOMERS):05d}",
            occurred_at=at,
            recommendation_id=f"{self._prefix}:r{number}",
            channel_id=channel,
            placement_id=f"{channel}-main",
            after_qualification=qualified,
            after_contact_policy=kept,
            final_count=final,
            selected=json.dumps([self._selected(rank, offer[0], channel) for rank, offer in enumerate(offers, 1)]),
            selected_count=len(offers),
            total_latency_ms=self._latency(is_degraded=is_degraded),
            degraded_scoring=is_degraded,
            status_code=503 if is_failed else 200,
        )
        self._day.traces.append(trace)
        if offers:
            self._show(trace, offers[0])

    def _suppression_at(self, at: datetime) -> float:
        return self._suppression if at >= self._anomaly_from else 0.22

    def _selected(self, rank: int, offer: str, channel: str) -> dict[str, object]:
        return {
            "offerId": offer, "creativeId": f"{offer}-{channel}", "rank": rank,
            "score": round(self._random.uniform(0.2, 0.98) / rank, 4),
        }  # fmt: skip

    def _latency(self, *, is_degraded: bool) -> float:
        """Return milliseconds: log-normal around 40, three times that when scoring fell back."""
        return round(math.exp(self._random.gauss(3.7, 0.45)) * (3 if is_degraded else 1), 1)

    def _moment(self) -> datetime:
        """Return a time of the day, more often in busy hours."""
        hour = self._random.choices(range(24), weights=HOURS)[0]
        midnight = self._start.replace(hour=0, minute=0, second=0, microsecond=0)
        at = midnight + timedelta(hours=hour, microseconds=self._random.randrange(3_600_000_000))
        return at if at >= self._start else at + timedelta(days=1)

    def _show(self, trace: DemoTrace, offer: tuple[str, str, str, int]) -> None:
        at = self._record(trace, offer, "impression", trace.occurred_at)
        draw = self._random.random()
        for outcome, share in RESPONSES:
            draw -= share
            if draw < 0:
                self._respond(trace, offer, outcome, at)
                return

    def _respond(self, trace: DemoTrace, offer: tuple[str, str, str, int], outcome: str, at: datetime) -> None:
        at = self._record(trace, offer, outcome, at)
        if outcome == "click" and self._random.random() < ACCEPT_AFTER_CLICK:
            at = self._record(trace, offer, "accept", at)
            if self._random.random() < CONVERT_AFTER_ACCEPT:
                self._record(trace, offer, "convert", at)

    def _record(self, trace: DemoTrace, offer: tuple[str, str, str, int], outcome: str, after: datetime) -> datetime:
        at = min(after + timedelta(seconds=self._random.uniform(0.2, 90)), self._end - timedelta(microseconds=1))
        meaning = _MEANING[outcome]
        is_sale = outcome == "convert"
        self._day.interactions.append(
            ImportedRow(
                idempotency_key=f"{self._prefix}:i{len(self._day.interactions)}",
                customer_id=trace.customer_id,
                outcome=outcome,
                classification=meaning.classification,
                category=meaning.category,
                direction="outbound" if outcome == "impression" else "inbound",
                occurred_at=at,
                recommendation_id=trace.recommendation_id,
                rank=1,
                creative_id=f"{offer[0]}-{trace.channel_id}",
                offer_id=offer[0],
                channel_id=trace.channel_id,
                placement_id=trace.placement_id,
                conversion_value=Decimal(round(offer[3] * self._random.uniform(0.7, 1.5), 2)) if is_sale else None,
                context=None,
                outcome_details=None,
                attributes=None,
            )
        )
        return at
