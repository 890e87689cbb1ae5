"""Read the audit log: pages, the walk along the chain, the export."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kaireon.platform.audit.decisions import EMPTY, Break, Content, Head, Link, find_break
from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet

CHUNK: Final = 2000
# Walking this many takes a few seconds; a longer chain is verified in several calls.
VERIFIED_PER_CALL: Final = 100_000


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show of the log; an empty text means everything."""

    entity_type: str = ""
    entity_id: str = ""
    action: str = ""
    user_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """How far the chain was followed, and the first entry that does not hold.

    `next_after` is where the next call goes on, None at the end of the chain. Keep `head` elsewhere: the chain
    alone cannot tell that its newest entries were cut off.
    """

    checked: int
    head: Head
    first_break: Break | None
    next_after: int | None


def list_entries(tenant: Tenant, filters: Filters) -> TenantQuerySet[AuditEntry]:
    """Return the tenant's entries that match, newest first."""
    rows: TenantQuerySet[AuditEntry] = AuditEntry.objects.for_tenant(tenant)
    wanted: dict[str, Any] = {
        "entity_type": filters.entity_type,
        "entity_id": filters.entity_id,
        "action": filters.action,
        "user_id": filters.user_id,
        "timestamp__gte": filters.since,
        "timestamp__lt": filters.until,
    }
    return rows.filter(**{name: value for name, value in wanted.items() if value}).order_by("-sequence")


def entries_before(tenant: Tenant, filters: Filters, *, before: int | None, limit: int) -> list[AuditEntry]:
    """Return at most `limit` entries that match and are older than the sequence number `before`."""
    rows = list_entries(tenant, filters)
    return list((rows if before is None else rows.filter(sequence__lt=before))[:limit])


def iterate_entries(tenant: Tenant, filters: Filters) -> Iterator[AuditEntry]:
    """Yield every entry that matches, newest first, by key and in chunks: memory stays flat at any length."""
    before: int | None = None
    while chunk := entries_before(tenant, filters, before=before, limit=CHUNK):
        yield from chunk
        before = chunk[-1].sequence


def entity_types(tenant: Tenant) -> list[str]:
    """Return the kinds of things that the log speaks of, by hops along the index: one probe for each kind."""
    found: list[str] = []
    rows = AuditEntry.objects.for_tenant(tenant).order_by("entity_type").values_list("entity_type", flat=True)
    name = rows.first()
    while name is not None:
        found.append(name)
        name = rows.filter(entity_type__gt=name).first()
    return found


def verify_chain(tenant: Tenant, *, after: int = 0, limit: int = VERIFIED_PER_CALL) -> Verification:
    """Follow the tenant's chain from the entry after sequence number `after`, at most `limit` entries.

    The entry at `after` is taken at its word: it was verified by the call before.
    """
    head = _head_at(tenant, after)
    start = head.sequence
    end = start + limit
    while True:
        rows = list(
            AuditEntry.objects.for_tenant(tenant)
            .filter(sequence__gt=head.sequence, sequence__lte=end)
            .order_by("sequence")[:CHUNK]
        )
        head, first_break = find_break(head, [link_of(row) for row in rows])
        checked = head.sequence - start
        if first_break is not None:
            return Verification(checked, head, first_break, None)
        if len(rows) < CHUNK:
            has_more = AuditEntry.objects.for_tenant(tenant).filter(sequence__gt=end).exists()
            return _outcome(tenant, head, checked, end, has_more=has_more)


def _outcome(tenant: Tenant, head: Head, checked: int, end: int, *, has_more: bool) -> Verification:
    if not has_more:
        return Verification(checked, head, None, None)
    if head.sequence == end:
        return Verification(checked, head, None, end)
    # The window ended before its last number: what follows it, follows a gap.
    following = AuditEntry.objects.for_tenant(tenant).filter(sequence__gt=end).order_by("sequence")[:1]
    return Verification(checked, head, find_break(head, [link_of(row) for row in following])[1], None)


def link_of(row: AuditEntry) -> Link:
    """Return a row as the arithmetic of the chain sees it."""
    content = Content(**{name: getattr(row, name) for name in Content.__slots__})
    return Link(content, row.prev_hash, row.integrity_hash)


def _head_at(tenant: Tenant, sequence: int) -> Head:
    if sequence == 0:
        return EMPTY
    row = AuditEntry.objects.for_tenant(tenant).filter(sequence__lte=sequence).order_by("-sequence").first()
    return EMPTY if row is None else Head(row.sequence, row.integrity_hash)
