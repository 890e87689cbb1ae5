"""The health of the outbox as reports show it: what waits and what is dead by topic, now and lately.

Plain values: `kaireon/report_sources.py` makes the data source of them. What waits is counted up to a bound, as
everywhere in the outbox; dead letters are counted by the kept counter, and by their index where a stretch is asked for.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from outbox.models import DeadCount, DeadLetter, OutboxEvent
from outbox.selectors.backlog import MOST_OF_A_TENANT, backlog_of

_EVENTS, _DEAD, _COUNTS = (model._meta.db_table for model in (OutboxEvent, DeadLetter, DeadCount))
_BY_TOPIC: Final = f"""
WITH waiting AS (
    SELECT topic, count(*) FILTER (WHERE NOT is_held) AS ready, count(*) FILTER (WHERE is_held) AS held
    FROM (
        (SELECT topic, is_held FROM {_EVENTS} WHERE tenant_id = %(tenant)s AND NOT is_held
         ORDER BY seq LIMIT {MOST_OF_A_TENANT})
        UNION ALL
        (SELECT topic, is_held FROM {_EVENTS} WHERE tenant_id = %(tenant)s AND is_held
         ORDER BY key, seq LIMIT {MOST_OF_A_TENANT})
    ) AS first GROUP BY topic
), dead AS (
    SELECT c.topic, c.total, n.now, n.before
    FROM {_COUNTS} AS c CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE d.failed_at >= %(start)s AND d.failed_at < %(end)s) AS now,
               count(*) FILTER (WHERE d.failed_at < %(end_before)s) AS before
        FROM {_DEAD} AS d
        WHERE d.tenant_id = c.tenant_id AND d.topic = c.topic AND d.failed_at >= %(start_before)s
          AND d.failed_at < %(end)s
    ) AS n
    WHERE c.tenant_id = %(tenant)s AND c.total > 0
)
SELECT coalesce(w.topic, d.topic), coalesce(w.ready, 0), coalesce(w.held, 0), coalesce(d.total, 0), coalesce(d.now, 0),
       coalesce(d.before, 0)
FROM waiting AS w FULL JOIN dead AS d ON d.topic = w.topic
ORDER BY 4 DESC, 2 DESC, 1"""  # noqa: S608 - constants


class TopicHealth(NamedTuple):
    """What of a topic waits, is held behind a failed event, and is dead: in all, since the start, and before it.

    The latter two count what is still dead: a letter that was retried or purged is not among them.
    """

    topic: str
    ready: int
    held: int
    dead: int
    dead_lately: int
    dead_before: int


@dataclass(frozen=True, slots=True)
class OutboxHealth:
    """A tenant's outbox at this moment; `is_more` says that a count of what waits has reached its bound."""

    topics: list[TopicHealth]
    pending: int
    oldest_seconds: float
    is_more: bool

    @property
    def dead(self) -> int:
        """Return how many dead letters there are."""
        return sum(topic.dead for topic in self.topics)


def read_outbox_health(
    tenant_id: uuid.UUID, *, now: datetime, window: tuple[datetime, datetime], before: tuple[datetime, datetime]
) -> OutboxHealth:
    """Return how the outbox stands at `now`, by the clock; `window` and `before` are for the dead letters of each."""
    backlog = backlog_of(tenant_id, now)
    oldest = 0.0 if backlog.oldest_at is None else max(0.0, (now - backlog.oldest_at).total_seconds())
    topics = [TopicHealth(*row) for row in _fetched(_values(tenant_id, window, before))]
    return OutboxHealth(topics, backlog.total, oldest, backlog.is_more)


def _fetched(values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_BY_TOPIC, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _values(
    tenant_id: uuid.UUID, window: tuple[datetime, datetime], before: tuple[datetime, datetime]
) -> dict[str, Any]:
    return {
        "tenant": tenant_id, "start": window[0], "end": window[1], "start_before": before[0], "end_before": before[1],
    }  # fmt: skip
