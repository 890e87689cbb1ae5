"""Write audit entries, each linked to the one before it."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from kaireon.platform.audit.decisions import EMPTY, Content, Head, changed_fields, entry_hash, plain
from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.ids import new_id
from kaireon.platform.locks import lock_key, xact_lock
from kaireon.platform.telemetry.decisions import redact
from kaireon.platform.telemetry.selectors import current_request_id
from kaireon.platform.tenancy.actors import Actor


@dataclass(frozen=True, slots=True)
class Entry:
    """What to record; `before` and `after` are the thing's fields, of which credentials are masked by their name."""

    tenant_id: uuid.UUID
    actor: Actor
    action: str
    entity_type: str
    entity_id: str
    entity_name: str = ""
    before: Any = None
    after: Any = None
    entity_version: int | None = None


def record(
    *,
    tenant_id: uuid.UUID,
    actor: Actor,
    action: str,
    entity_type: str,
    entity_id: str,
    entity_name: str = "",
    before: Any = None,
    after: Any = None,
    entity_version: int | None = None,
    now: datetime,
) -> AuditEntry:
    """Record one change and return its entry; see `record_many`."""
    entry = Entry(tenant_id, actor, action, entity_type, str(entity_id), entity_name, before, after, entity_version)
    return record_many([entry], now=now)[0]


def record_many(entries: Sequence[Entry], *, now: datetime) -> list[AuditEntry]:
    """Append the entries to their tenants' chains within the caller's transaction: three statements for any number.

    The chains' locks are held until that transaction ends, so record last and once in it: whoever records first and
    then waits for a row, or records tenant after tenant, can deadlock with another that does it in another order.
    Raises RuntimeError outside a transaction: an entry without its change, or a change without its entry, is a lie.
    """
    if not entries:
        return []
    tenant_ids = {entry.tenant_id for entry in entries}
    xact_lock(*(lock_key("audit.chain", tenant_id) for tenant_id in tenant_ids))
    # A statement of its own after the lock: under READ COMMITTED it sees what the lock's last holder committed.
    heads = _read_heads(tenant_ids)
    request_id = current_request_id()
    rows = []
    for entry in entries:
        row = _link(heads[entry.tenant_id], entry, request_id, now)
        heads[entry.tenant_id] = Head(row.sequence, row.integrity_hash)
        rows.append(row)
    return AuditEntry.objects.bulk_create(rows)


def _link(head: Head, entry: Entry, request_id: str, now: datetime) -> AuditEntry:
    content = Content(
        id=new_id(),
        tenant_id=entry.tenant_id,
        sequence=head.sequence + 1,
        action=entry.action,
        entity_type=entry.entity_type,
        entity_id=plain(entry.entity_id)[:255],
        entity_name=plain(entry.entity_name)[:255],
        entity_version=entry.entity_version,
        before=plain(redact(entry.before)),
        after=plain(redact(entry.after)),
        # Compared before the masks go on: that a password changed is worth knowing, its values are not.
        changes=plain(_masked_changes(entry)),
        actor_kind=entry.actor.kind,
        user_id=entry.actor.user_id,
        user_name=plain(entry.actor.name)[:255],
        request_id=request_id,
        timestamp=now,
    )
    values = {name: getattr(content, name) for name in Content.__slots__}
    return AuditEntry(**values, prev_hash=head.integrity_hash, integrity_hash=entry_hash(head.integrity_hash, content))


def _masked_changes(entry: Entry) -> dict[str, Any]:
    return {
        name: {side: redact(value, key=name) for side, value in sides.items()}
        for name, sides in changed_fields(entry.before, entry.after).items()
    }


def _read_heads(tenant_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Head]:
    heads: dict[uuid.UUID, Head] = defaultdict(lambda: EMPTY)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT chain.tenant_id, head.sequence, head.integrity_hash
            FROM unnest(%s::uuid[]) AS chain (tenant_id)
            CROSS JOIN LATERAL (
                SELECT sequence, integrity_hash FROM audit_auditentry AS entry
                WHERE entry.tenant_id = chain.tenant_id ORDER BY sequence DESC LIMIT 1
            ) AS head
            """,
            [list(tenant_ids)],
        )
        for tenant_id, sequence, integrity_hash in cursor.fetchall():
            heads[tenant_id] = Head(sequence, integrity_hash)
    return heads
