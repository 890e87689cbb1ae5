"""`freshness`."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from flows.engines.casting import family
from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import Cast
from flows.ir.validation import Freshness


def stale(validator: Freshness, rows: Rows, work: Work) -> str | None:
    """Tell when the newest value of a column is too old, or there is none; times without a zone are UTC."""
    value = work.column(rows, validator.field)
    if family(work.backend.dialect.kind(rows, validator.field)) not in {"date", "timestamp"}:
        cast = Cast.model_validate({"op": "cast", "field": validator.field, "to": "timestamp", "onError": "null"})
        value, _ = work.backend.dialect.cast(rows, cast)
    newest = _instant(work.figures(rows, newest=value.max())["newest"])
    if newest is None:
        return f"{validator.field} has no time in any row"
    if work.now - newest <= timedelta(minutes=validator.max_age_minutes):
        return None
    age = (work.now - newest) / timedelta(minutes=1)
    return f"the newest {validator.field} is {age:,.0f} minutes old, and may be {validator.max_age_minutes:,.0f}"


def _instant(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    assert isinstance(value, date)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)
