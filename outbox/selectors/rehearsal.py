"""Rehearse a retry or a purge: what it would touch, and what an operator should know before. Nothing is changed."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from outbox.decisions.dead_letters import DeadPlan, DeadSelection, HeldKey, SupersededKey

# One screen of warnings is read, a thousand keys are looked at; more would be no better advice.
MOST_KEYS: Final = 1_000
MOST_PUBLISHED: Final = 50_000

CHOSEN: Final = """
tenant_id = %(tenant)s AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s::uuid[]))
AND (%(topic)s::text IS NULL OR topic = %(topic)s)"""
_TOTALS: Final = f"""
SELECT topic, reason, count(*), min(failed_at), max(failed_at)
FROM outbox_dead_letters WHERE {CHOSEN} GROUP BY topic, reason ORDER BY count(*) DESC, topic, reason"""  # noqa: S608
_KEYS: Final = f"""
SELECT key, count(*), min(failed_at) FROM outbox_dead_letters WHERE {CHOSEN}
GROUP BY key ORDER BY min(failed_at), key LIMIT {MOST_KEYS}"""  # noqa: S608 - constants
# History has no index by key, which every published event would pay for; so the newest events are looked through.
_PUBLISHED: Final = f"""
WITH near AS MATERIALIZED (
    SELECT key, published_at FROM outbox_history WHERE tenant_id = %(tenant)s ORDER BY id DESC LIMIT {MOST_PUBLISHED}
)
SELECT NULL AS key, 0 AS dead, count(*) AS published, min(published_at) AS at FROM near
UNION ALL
SELECT d.key, d.dead, count(*), max(near.published_at)
FROM unnest(%(keys)s::text[], %(dead)s::int[], %(since)s::timestamptz[]) AS d (key, dead, since)
JOIN near ON near.key = d.key AND near.published_at > d.since GROUP BY d.key, d.dead, d.since"""  # noqa: S608
_HELD: Final = """
SELECT d.key, d.dead FROM unnest(%(keys)s::text[], %(dead)s::int[]) AS d (key, dead)
WHERE EXISTS (SELECT 1 FROM outbox_events AS e
              WHERE e.is_held AND e.tenant_id = %(tenant)s AND e.key = d.key)
ORDER BY d.key"""


class _DeadKey(NamedTuple):
    key: str
    dead: int
    since: datetime


def rehearse(selection: DeadSelection) -> DeadPlan:
    """Return what a retry or purge of this selection would do now."""
    chosen = chosen_parameters(selection)
    totals = _rows(_TOTALS, chosen)
    keys = [_DeadKey(*row) for row in _rows(_KEYS, chosen)]
    by_topic, by_reason = Counter[str](), Counter[str]()
    for topic, reason, count, _, _ in totals:
        by_topic[topic] += count
        by_reason[reason] += count
    superseded, history_since = _superseded(selection.tenant_id, keys)
    return DeadPlan(
        total=by_topic.total(),
        by_topic=dict(by_topic.most_common()),
        by_reason=dict(by_reason.most_common()),
        oldest_failed_at=min((row[3] for row in totals), default=None),
        newest_failed_at=max((row[4] for row in totals), default=None),
        superseded=superseded,
        held=_held(selection.tenant_id, keys),
        keys_checked=len(keys),
        history_since=history_since,
    )


def chosen_parameters(selection: DeadSelection) -> dict[str, Any]:
    """Return the parameters of CHOSEN."""
    ids = list(selection.event_ids) or None
    return {"tenant": selection.tenant_id, "ids": ids, "topic": selection.topic or None}


def _superseded(tenant_id: uuid.UUID, keys: Sequence[_DeadKey]) -> tuple[list[SupersededKey], datetime | None]:
    parameters = {"tenant": tenant_id, "since": [each.since for each in keys], **_columns(keys)}
    everything, *found = _rows(_PUBLISHED, parameters)
    order = {each.key: place for place, each in enumerate(keys)}
    superseded = [SupersededKey(key, dead, published, at) for key, dead, published, at in found]
    return sorted(superseded, key=lambda each: order[each.key]), everything[3]


def _held(tenant_id: uuid.UUID, keys: Sequence[_DeadKey]) -> list[HeldKey]:
    return [HeldKey(*row) for row in _rows(_HELD, {"tenant": tenant_id, **_columns(keys)})]


def _columns(keys: Sequence[_DeadKey]) -> dict[str, list[Any]]:
    return {"keys": [each.key for each in keys], "dead": [each.dead for each in keys]}


def _rows(statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
