"""The event stream: a tenant's events wherever they stand, newest first, by key and never by offset.

Ids are UUIDv7, so an id is a moment. A page is one statement, hence one snapshot: an event that moves from the line to
the history meanwhile is neither missed nor shown twice. Nothing is searched without a bound: a filter looks through
the newest events that fit the bound and says how far back it came; the next page goes on from there.
"""
# ruff: noqa: S608 - what is put into the statements are names of tables and columns

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.db import connection

from outbox.models import DeadLetter, OutboxEvent, PublishedEvent

PAGE: Final = 50
# How many events of each place a page reads at most: without a filter, with one.
READ_PLAIN, READ_FILTERED = 500, 10_000
READ_REST: Final = 5_000
# Ids are made before their transaction commits, and on several hosts: whoever follows looks back this far each time.
OVERLAP: Final = timedelta(seconds=15)
_SLACK: Final = timedelta(seconds=10)
OLDEST, NEWEST = uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)


class EventState(StrEnum):
    """Where an event stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    HELD = "held"
    DEAD = "dead"
    PUBLISHED = "published"

    @property
    def is_final(self) -> bool:
        """Tell whether the event stays as it is by itself."""
        return self in {EventState.DEAD, EventState.PUBLISHED}


@dataclass(frozen=True, slots=True)
class StreamFilter:
    """What is looked for: the start of a topic, a key or an event's id, a state; empty matches all."""

    topic: str = ""
    find: str = ""
    state: EventState | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether everything matches."""
        return not (self.topic or self.find)

    @property
    def event_id(self) -> uuid.UUID | None:
        """Return what is looked for as an id, when it can be one."""
        try:
            return uuid.UUID(self.find)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event as the stream shows it; `changed_at` is when it was published or died, else None."""

    id: uuid.UUID
    topic: str
    key: str
    state: EventState
    occurred_at: datetime
    created_at: datetime
    changed_at: datetime | None
    attempts: int
    next_attempt_at: datetime | None
    error: str

    @property
    def seconds_on_its_way(self) -> float | None:
        """Return the seconds from the event's transaction until it was published or died."""
        return None if self.changed_at is None else max(0.0, (self.changed_at - self.created_at).total_seconds())


@dataclass(frozen=True, slots=True)
class StreamPage:
    """Some events, newest first. `next_id` is where the next page goes on, None at the end.

    `looked_back_to` is set where the search stopped at its bound before the page was full.
    """

    events: list[StreamEvent]
    next_id: uuid.UUID | None
    looked_back_to: datetime | None


_EVENT_COLUMNS: Final = """id, topic, key,
    CASE WHEN status = 'processing' THEN 'processing' WHEN is_held THEN 'held' ELSE 'pending' END AS state,
    occurred_at, created_at, NULL::timestamptz AS changed_at, attempts, next_attempt_at, last_error AS error"""
_DEAD_COLUMNS: Final = (
    "id, topic, key, 'dead' AS state, occurred_at, created_at, failed_at AS changed_at, retry_count AS attempts, "
    "NULL::timestamptz AS next_attempt_at, error"
)
_PUBLISHED_COLUMNS: Final = (
    "id, topic, key, 'published' AS state, occurred_at, created_at, published_at AS changed_at, attempts, "
    "NULL::timestamptz AS next_attempt_at, '' AS error"
)
_EVENTS, _DEAD, _PUBLISHED = (model._meta.db_table for model in (OutboxEvent, DeadLetter, PublishedEvent))
_RANGE: Final = "tenant_id = %(tenant)s AND id < %(before)s AND id >= %(since)s"

# Each place in the order of an index it has. Events that are not held are indexed by `seq`: an event of any tenant made
# about then tells which `seq` a moment had. Claims take the oldest, so what is under way is looked for there. Held and
# dead ones are few, or their bound says that they are not.
_PLACES: Final[dict[str, str]] = {
    "ready": f"""SELECT {_EVENT_COLUMNS} FROM {_EVENTS}
        WHERE {_RANGE} AND NOT is_held AND seq <= coalesce(
            (SELECT seq FROM {_EVENTS} WHERE id < %(before_slack)s ORDER BY id DESC LIMIT 1), 9223372036854775807)
        ORDER BY seq DESC LIMIT %(read)s""",
    "under_way": f"""SELECT {_EVENT_COLUMNS} FROM (
            SELECT * FROM {_EVENTS} WHERE tenant_id = %(tenant)s AND NOT is_held ORDER BY seq LIMIT %(read_rest)s
        ) AS oldest WHERE {_RANGE} AND status = 'processing'""",
    "held": f"""SELECT {_EVENT_COLUMNS} FROM (
            SELECT * FROM {_EVENTS} WHERE tenant_id = %(tenant)s AND is_held ORDER BY key, seq LIMIT %(read_rest)s
        ) AS held WHERE {_RANGE}""",
    "dead": f"""SELECT {_DEAD_COLUMNS} FROM (
            SELECT * FROM {_DEAD} WHERE tenant_id = %(tenant)s ORDER BY failed_at DESC, id DESC LIMIT %(read_rest)s
        ) AS dead WHERE {_RANGE}""",
    "published": f"""SELECT {_PUBLISHED_COLUMNS} FROM {_PUBLISHED}
        WHERE {_RANGE} ORDER BY id DESC LIMIT %(read)s""",
}
_PLACES_OF: Final[dict[EventState | None, tuple[str, ...]]] = {
    None: tuple(_PLACES),
    EventState.PENDING: ("ready",),
    EventState.PROCESSING: ("under_way", "held"),
    EventState.HELD: ("held",),
    EventState.DEAD: ("dead",),
    EventState.PUBLISHED: ("published",),
}
# Only what is ordered as the page is can say how far back it has been read.
_ORDERED: Final = frozenset({"ready", "published"})
# What is new since a moment: the newest unpublished events of everybody are few enough to look through.
_FRESH_EVENTS: Final = f"""SELECT {_EVENT_COLUMNS} FROM (
        SELECT * FROM {_EVENTS} WHERE id >= %(since)s ORDER BY id DESC LIMIT %(read)s
    ) AS fresh WHERE {_RANGE}"""
_FRESH_DEAD: Final = f"""SELECT {_DEAD_COLUMNS} FROM {_DEAD}
    WHERE {_RANGE} AND failed_at >= %(since_at)s ORDER BY failed_at DESC LIMIT %(read_rest)s"""
_BY_ID: Final = " UNION ALL ".join(
    f"SELECT {columns} FROM {table} WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)"
    for columns, table in ((_EVENT_COLUMNS, _EVENTS), (_DEAD_COLUMNS, _DEAD), (_PUBLISHED_COLUMNS, _PUBLISHED))
)
_MATCHES: Final = (
    "starts_with(topic, %(topic)s) AND (%(find)s = '' OR key = %(find)s OR id = %(event_id)s)"
    " AND (%(state)s = '' OR state = %(state)s)"
)


def read_stream(
    tenant_id: uuid.UUID, *, wanted: StreamFilter, before: uuid.UUID | None = None, limit: int = PAGE
) -> StreamPage:
    """Return the newest events that match, or those older than `before`."""
    read = READ_PLAIN if wanted.is_open else READ_FILTERED
    values = _values(tenant_id, wanted, before=before or NEWEST, since=OLDEST, read=read, limit=limit)
    events, horizon = _ask({place: _PLACES[place] for place in _PLACES_OF[wanted.state]}, values)
    return _page(events, horizon, limit)


def read_news(
    tenant_id: uuid.UUID, *, wanted: StreamFilter, since: datetime, limit: int = PAGE
) -> tuple[list[StreamEvent], bool]:
    """Return the events that match and are newer than `since`, newest first, and whether there are more than that.

    It looks back OVERLAP further, for those that committed late: who follows puts each where it belongs and drops what
    is there already.
    """
    start = since - OVERLAP
    values = _values(tenant_id, wanted, before=NEWEST, since=first_id(start), read=READ_FILTERED, limit=limit)
    values["since_at"] = start - _SLACK
    events, _ = _ask({"fresh": _FRESH_EVENTS, "dead": _FRESH_DEAD, "published": _PLACES["published"]}, values)
    has_more = len(events) > limit and events[limit - 1].id > first_id(since)
    return events[:limit], has_more


def read_events(tenant_id: uuid.UUID, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, StreamEvent]:
    """Return these events as they stand now; those that are nowhere any more are left out."""
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_BY_ID, {"tenant": tenant_id, "ids": list(ids)})
        return {row[0]: _event(row) for row in cursor.fetchall()}


def first_id(at: datetime) -> uuid.UUID:
    """Return the smallest UUIDv7 of a moment."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return uuid.UUID(int=milliseconds << 80)


def moment_of(event_id: uuid.UUID) -> datetime:
    """Return when a UUIDv7 was made."""
    return datetime.fromtimestamp(min(event_id.int >> 80, 253_402_000_000_000) / 1000, UTC)


def _values(
    tenant_id: uuid.UUID, wanted: StreamFilter, *, before: uuid.UUID, since: uuid.UUID, read: int, limit: int
) -> dict[str, Any]:
    slack = uuid.UUID(int=min(before.int + (int(_SLACK.total_seconds()) * 1000 << 80), NEWEST.int))
    return {
        "tenant": tenant_id, "before": before, "before_slack": slack, "since": since, "read": read,
        "read_rest": READ_REST, "limit": limit + 1, "topic": wanted.topic, "find": wanted.find,
        "event_id": wanted.event_id, "state": wanted.state or "",
    }  # fmt: skip


def _ask(places: Mapping[str, str], values: Mapping[str, Any]) -> tuple[list[StreamEvent], uuid.UUID | None]:
    """Return one more than a page of events, and the newest id at which a place has been read to its bound.

    An event that two places found is one: UNION drops the second.
    """
    parts = ", ".join(f"{place} AS MATERIALIZED ({text})" for place, text in places.items())
    found = " UNION ".join(f"SELECT * FROM {place} WHERE {_MATCHES}" for place in places)
    # The end is told by the last hundred and not by the last one: a dead letter that was retried has an old id and
    # stands among new ones. A materialized part is read in the order in which it was made.
    ends = "".join(
        f" UNION ALL (SELECT id, '', '', 'end', occurred_at, occurred_at, NULL, 0, NULL, '' FROM"
        f" (SELECT id, occurred_at FROM {place} OFFSET %(read)s - 100) AS last"
        f" WHERE (SELECT count(*) FROM {place}) >= %(read)s ORDER BY id DESC LIMIT 1)"
        for place in places
        if place in _ORDERED
    )
    statement = f"WITH {parts} (SELECT * FROM ({found}) AS found ORDER BY id DESC LIMIT %(limit)s){ends}"
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    events = [_event(row) for row in rows if row[3] != "end"]
    return events, max((row[0] for row in rows if row[3] == "end"), default=None)


def _page(events: list[StreamEvent], horizon: uuid.UUID | None, limit: int) -> StreamPage:
    # Below the horizon a place has not been read: what other places hold there belongs to the next page.
    known = [event for event in events if horizon is None or event.id >= horizon]
    if len(known) > limit:
        return StreamPage(known[:limit], known[limit - 1].id, None)
    return StreamPage(known, horizon, None if horizon is None else moment_of(horizon))


def _event(row: tuple[Any, ...]) -> StreamEvent:
    return StreamEvent(row[0], row[1], row[2], EventState(row[3]), *row[4:])
