"""The audit entries."""

from django.db import models
from django.db.models import Q

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel


class AuditEntry(TenantModel):
    """What one actor did to one thing; written once, never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sequence = models.BigIntegerField()
    action = models.CharField(max_length=64)
    entity_type = models.CharField(max_length=64)
    entity_id = models.CharField(max_length=255)
    entity_name = models.CharField(max_length=255, blank=True)
    entity_version = models.IntegerField(null=True, blank=True)
    changes = models.JSONField(default=dict)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    actor_kind = models.CharField(max_length=16)
    # No foreign key: what a person did stays when the person has gone.
    user_id = models.UUIDField(null=True)
    user_name = models.CharField(max_length=255)
    request_id = models.CharField(max_length=128, blank=True)
    prev_hash = models.CharField(max_length=64)
    integrity_hash = models.CharField(max_length=64)
    timestamp = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sequence"], name="audit_sequence_unique"),
            # The chain cannot fork, whatever writes to it: no two entries continue the same one.
            models.UniqueConstraint(fields=["tenant", "prev_hash"], name="audit_chain_never_forks"),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="audit_sequence_positive"),
        ]
        indexes = [
            models.Index(fields=["tenant", "entity_type", "-sequence"], name="audit_by_type"),
            models.Index(fields=["tenant", "entity_id", "-sequence"], name="audit_by_entity"),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.action} {self.entity_type} {self.entity_name or self.entity_id}"
