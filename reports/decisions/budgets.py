"""How a budget burns: what is left, how fast it goes, where that leads, and when it is used up."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from reports.decisions.periods import Stretch


@dataclass(frozen=True, slots=True)
class Burn:
    """A budget at one moment. Rates are per twenty-four hours and None before anything has elapsed.

    `projected` is what will have been spent at the end at this rate; `used_up_on` the day on which the allocation is
    reached, None when that is not before the end.
    """

    allocation: Decimal
    spent: Decimal
    remaining: Decimal
    used: float
    elapsed: float
    burn_rate: Decimal | None
    projected: Decimal | None
    used_up_on: date | None


def burn(*, allocation: Decimal, spent: Decimal, window: Stretch, now: datetime, zone: str) -> Burn:
    """Return how a budget stands at `now`; before its window it has spent nothing, after it the rate is the whole's."""
    until = min(max(now, window.start), window.end)
    passed, whole = until - window.start, window.end - window.start
    days = Decimal(passed / timedelta(days=1))
    rate = spent / days if days else None
    left_days = Decimal((window.end - until) / timedelta(days=1))
    return Burn(
        allocation=allocation, spent=spent, remaining=allocation - spent, used=float(spent / allocation),
        elapsed=passed / whole, burn_rate=_cents(rate),
        projected=None if rate is None else _cents(spent + rate * left_days),
        used_up_on=_used_up_on(allocation - spent, rate, until, window, zone),
    )  # fmt: skip


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(Decimal("0.01"))


def _used_up_on(left: Decimal, rate: Decimal | None, until: datetime, window: Stretch, zone: str) -> date | None:
    if not rate or rate < 0:
        return None
    days = left / rate
    # Already used up: since when is not known from a sum, so no day is named. A day beyond the calendar is none either.
    if left <= 0 or days > Decimal((window.end - until) / timedelta(days=1)):
        return None
    return (until + timedelta(days=float(days))).astimezone(ZoneInfo(zone)).date()
