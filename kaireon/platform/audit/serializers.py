"""Wire shapes of the audit log."""

from typing import Any

from rest_framework import serializers

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.audit.selectors import Verification
from kaireon.platform.fields import StrictDateTimeField, format_time


class AuditEntryShape(serializers.Serializer[Any]):
    """One entry; `userId` is null for API keys and the system, whose names stand in `userName`."""

    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    action = serializers.CharField()
    entityType = serializers.CharField()  # noqa: N815
    entityId = serializers.CharField()  # noqa: N815
    entityName = serializers.CharField()  # noqa: N815
    changes = serializers.DictField(help_text="{field: {from, to}}; credentials are masked")
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    entityVersion = serializers.IntegerField(allow_null=True)  # noqa: N815
    actorKind = serializers.ChoiceField(choices=["user", "api_key", "system"])  # noqa: N815
    userId = serializers.UUIDField(allow_null=True)  # noqa: N815
    userName = serializers.CharField()  # noqa: N815
    tenantId = serializers.UUIDField()  # noqa: N815
    requestId = serializers.CharField(allow_blank=True)  # noqa: N815
    integrityHash = serializers.CharField()  # noqa: N815
    prevHash = serializers.CharField()  # noqa: N815
    timestamp = StrictDateTimeField()


class AuditPageShape(serializers.Serializer[Any]):
    """A page of the log, by number as documented."""

    logs = AuditEntryShape(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    limit = serializers.IntegerField()


class HeadShape(serializers.Serializer[Any]):
    """The last entry that was verified; keep it elsewhere to prove later that nothing was cut off."""

    sequence = serializers.IntegerField()
    integrityHash = serializers.CharField()  # noqa: N815


class BreakShape(serializers.Serializer[Any]):
    """The first entry that does not hold."""

    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    timestamp = StrictDateTimeField()
    reason = serializers.CharField()


class VerificationShape(serializers.Serializer[Any]):
    """What following the chain found; with `nextAfter`, call again with `?after=` for the rest."""

    valid = serializers.BooleanField()
    checked = serializers.IntegerField()
    head = HeadShape()
    firstBroken = BreakShape(allow_null=True)  # noqa: N815
    nextAfter = serializers.IntegerField(allow_null=True)  # noqa: N815


def entry_json(row: AuditEntry) -> dict[str, Any]:
    """Return an entry as the wire has it."""
    return {
        "id": str(row.pk),
        "sequence": row.sequence,
        "action": row.action,
        "entityType": row.entity_type,
        "entityId": row.entity_id,
        "entityName": row.entity_name,
        "changes": row.changes,
        "before": row.before,
        "after": row.after,
        "entityVersion": row.entity_version,
        "actorKind": row.actor_kind,
        "userId": str(row.user_id) if row.user_id else None,
        "userName": row.user_name,
        "tenantId": str(row.tenant_id),
        "requestId": row.request_id,
        "integrityHash": row.integrity_hash,
        "prevHash": row.prev_hash,
        "timestamp": format_time(row.timestamp),
    }


def verification_json(found: Verification) -> dict[str, Any]:
    """Return what a verification found as the wire has it."""
    broken = found.first_break
    return {
        "valid": broken is None,
        "checked": found.checked,
        "head": {"sequence": found.head.sequence, "integrityHash": found.head.integrity_hash},
        "firstBroken": broken
        and {
            "id": str(broken.entry_id),
            "sequence": broken.sequence,
            "timestamp": format_time(broken.timestamp),
            "reason": broken.reason,
        },
        "nextAfter": found.next_after,
    }
