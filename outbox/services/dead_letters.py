"""Retry and purge dead letters in bounded batches, each a transaction of its own with its own audit entry.

A retried event goes back to the end of the line under the same id, so a consumer that has seen it knows it again.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from kaireon.platform.audit.services import record
from kaireon.platform.errors import BadRequest, NotFound
from kaireon.platform.locks import lock_key, xact_lock
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant
from outbox.decisions.dead_letters import DeadAction, DeadPlan, DeadSelection
from outbox.selectors.dead_letters import dead_depth, unknown_ids
from outbox.selectors.rehearsal import CHOSEN, chosen_parameters, rehearse
from outbox.services.enqueueing import EVENT_COLUMNS, RING_IF_ASLEEP
from outbox.services.telling import tell_recovered

BATCH: Final = 2_000
MOST_IDS: Final = 10_000
ENTITY_TYPE: Final = "dead_letters"

_LAST_SEQ: Final = f"SELECT coalesce(max(seq), 0) FROM outbox_dead_letters WHERE {CHOSEN}"  # noqa: S608 - constants
# In the order of an index, and deleted where they lie: a batch costs the same however many stand behind it.
_GONE: Final = f"""
WITH chosen AS MATERIALIZED (
    SELECT ctid AS tid FROM outbox_dead_letters
    WHERE {CHOSEN} AND seq > %(after)s AND seq <= %(until)s ORDER BY tenant_id, seq LIMIT %(limit)s
), gone AS (
    DELETE FROM outbox_dead_letters WHERE ctid = ANY(ARRAY(SELECT tid FROM chosen)) RETURNING *
)"""  # noqa: S608 - constants
# An id that waits already is that event: it is not sent twice.
_RETRY: Final = f"""{_GONE}, back AS (
    INSERT INTO outbox_events ({EVENT_COLUMNS})
    SELECT {EVENT_COLUMNS} FROM gone ORDER BY seq
    ON CONFLICT (id) DO NOTHING
)
SELECT topic, max(seq), array_agg(id), {RING_IF_ASLEEP} FROM gone GROUP BY topic ORDER BY topic"""  # noqa: S608
_PURGE: Final = f"{_GONE} SELECT topic, max(seq), array_agg(id) FROM gone GROUP BY topic ORDER BY topic"  # noqa: S608
_STATEMENTS: Final = {DeadAction.RETRY: _RETRY, DeadAction.PURGE: _PURGE}


@dataclass(frozen=True, slots=True)
class DeadOutcome:
    """How many dead letters were retried or purged; with `plan` it was a rehearsal, and how many would be."""

    count: int
    plan: DeadPlan | None = None


@dataclass(slots=True)
class _Progress:
    """Where a call stands: it touches what was dead when it began, so an event that dies again ends it too."""

    until: int
    after: int = 0
    moved: int = 0
    is_done: bool = False


def retry_dead_letters(
    *,
    tenant: Tenant,
    event_ids: Collection[uuid.UUID] = (),
    topic: str = "",
    everything: bool = False,
    actor: Actor,
    now: datetime,
    dry_run: bool = False,
) -> DeadOutcome:
    """Send dead letters back to the line: same id, no attempts, the oldest of a key first; wake a sleeping publisher.

    Two callers at once retry each event once. Raises BadRequest when nothing was chosen, or too much; NotFound for
    ids that are no event of the tenant.
    """
    selection = _select(tenant, event_ids, topic, everything=everything)
    return _carry_out(DeadAction.RETRY, selection, actor=actor, now=now, dry_run=dry_run)


def purge_dead_letters(
    *,
    tenant: Tenant,
    event_ids: Collection[uuid.UUID] = (),
    topic: str = "",
    everything: bool = False,
    actor: Actor,
    now: datetime,
    dry_run: bool = False,
) -> DeadOutcome:
    """Delete dead letters for good. Raises as `retry_dead_letters` does."""
    selection = _select(tenant, event_ids, topic, everything=everything)
    return _carry_out(DeadAction.PURGE, selection, actor=actor, now=now, dry_run=dry_run)


def _select(tenant: Tenant, event_ids: Collection[uuid.UUID], topic: str, *, everything: bool) -> DeadSelection:
    ids = list(dict.fromkeys(event_ids))
    if everything == bool(ids or topic):
        say = "Give eventIds or topic, or all: true for every dead letter; all: true stands alone."
        raise BadRequest(say, fields={name: [say] for name in ("eventIds", "topic", "all")})
    if len(ids) > MOST_IDS:
        say = f"At most {MOST_IDS:,} ids at once; a topic has no limit."
        raise BadRequest(f"eventIds: {say}", fields={"eventIds": [say]})
    if unknown := unknown_ids(tenant.pk, ids):
        named = ", ".join(map(str, unknown[:5])) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        raise NotFound(f"There is no such dead letter for this tenant: {named}. Nothing was changed.")
    return DeadSelection(tenant.pk, ids, topic)


def _carry_out(
    action: DeadAction, selection: DeadSelection, *, actor: Actor, now: datetime, dry_run: bool
) -> DeadOutcome:
    if dry_run:
        plan = rehearse(selection)
        return DeadOutcome(plan.total, plan)
    progress = _Progress(until=_last_seq(selection))
    while not progress.is_done:
        _take_batch(action, selection, progress, actor=actor, now=now)
    return DeadOutcome(progress.moved)


def _last_seq(selection: DeadSelection) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_SEQ, chosen_parameters(selection))
        return int(cursor.fetchone()[0])


@transaction.atomic(durable=True)
def _take_batch(
    action: DeadAction, selection: DeadSelection, progress: _Progress, *, actor: Actor, now: datetime
) -> None:
    # One batch of a tenant after another: two calls that interleave would bring a key's events back out of order.
    xact_lock(lock_key("outbox.dead_letters", selection.tenant_id))
    bounds = {"after": progress.after, "until": progress.until, "limit": BATCH}
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENTS[action], chosen_parameters(selection) | bounds)
        rows: Sequence[tuple[str, int, list[uuid.UUID]]] = [row[:3] for row in cursor.fetchall()]
    moved = {topic: ids for topic, _, ids in rows}
    count = sum(len(ids) for ids in moved.values())
    progress.moved += count
    progress.after = max((seq for _, seq, _ in rows), default=progress.until)
    progress.is_done = count < BATCH
    if count:
        _conclude(action, selection, moved, actor=actor, now=now)


def _conclude(
    action: DeadAction,
    selection: DeadSelection,
    moved: Mapping[str, Sequence[uuid.UUID]],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Resolve the alerts of topics that are done with, and write down what went.

    Both belong to the batch: what a call that is cut off has done is known, and until the commit nobody else can bury
    an event of these topics, because the trigger that counts them holds their counts.
    """
    left = dead_depth(selection.tenant_id).by_topic
    tell_recovered(tenant_id=selection.tenant_id, topics=[topic for topic in moved if topic not in left], now=now)
    count = sum(len(ids) for ids in moved.values())
    chosen = [str(event_id) for ids in moved.values() for event_id in ids] if selection.event_ids else []
    record(
        tenant_id=selection.tenant_id, actor=actor, action=action.value, entity_type=ENTITY_TYPE,
        entity_id=selection.name, entity_name="1 dead letter" if count == 1 else f"{count:,} dead letters",
        after={"count": count, "byTopic": {topic: len(ids) for topic, ids in moved.items()}, "eventIds": chosen},
        now=now,
    )  # fmt: skip
