"""Secrets with which a producer of files may fire one pipeline, and no other."""

from django.db import models

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel


class TriggerSecret(TenantModel):
    """A pipeline's own secret for `POST /api/v1/triggers/file-arrival`; only its keyed hash is kept.

    A rotated one works on until `expires_at`, so that the producer changes over without a gap.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pipeline = models.ForeignKey("flows.Pipeline", on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=120, blank=True)
    # What tells it apart on a page; the secret itself is shown once.
    prefix = models.CharField(max_length=16)
    secret_hash = models.CharField(max_length=64, unique=True)
    created_by = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    rotated_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["pipeline", "-created_at"], name="triggersecret_pipeline")]

    def __str__(self) -> str:
        return f"{self.prefix}…"
