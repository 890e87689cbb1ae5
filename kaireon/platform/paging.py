"""Pages of a list for people, by key and not by offset: the millionth row costs what the first one does."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)
Key = tuple[datetime, uuid.UUID]


class Page(NamedTuple, Generic[Row]):
    """Some rows, and the key at which the next page goes on; empty at the end."""

    rows: Sequence[Row]
    next_key: str


def newest_first(rows: QuerySet[Row], *, after: str, limit: int, time_field: str = "created_at") -> Page[Row]:
    """Return the page that follows the key `after`; a key that is not ours starts at the beginning."""
    ordered = rows.order_by(f"-{time_field}", "-pk")
    if key := read_key(after):
        at, row_id = key
        # The first condition says nothing new, but an index can begin there instead of at the newest row.
        ordered = ordered.filter(**{f"{time_field}__lte": at})
        ordered = ordered.filter(Q(**{f"{time_field}__lt": at}) | Q(**{time_field: at, "pk__lt": row_id}))
    found = list(ordered[: limit + 1])
    shown = found[:limit]
    return Page(shown, write_key(getattr(shown[-1], time_field), shown[-1].pk) if len(found) > limit else "")


def write_key(at: datetime, row_id: Any) -> str:
    """Return a key as it stands in an address."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}_{row_id}"


def read_key(text: str) -> Key | None:
    """Return the key, or None for anything else."""
    at, _, row_id = text.partition("_")
    try:
        return datetime.strptime(at, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC), uuid.UUID(row_id)
    except ValueError:
        return None
