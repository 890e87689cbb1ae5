"""System-health alerts and who has read them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from kaireon.platform.health.decisions import Severity, Source
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel


class SystemHealthAlert(TenantModel):
    """Something that people of a tenant should know; `user` is None when all of them should."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    severity = models.CharField(max_length=10, choices=[(severity.value, severity.value) for severity in Severity])
    source = models.CharField(max_length=20, choices=[(source.value, source.value) for source in Source])
    title = models.CharField(max_length=255)
    message = models.TextField(blank=True)
    link = models.CharField(max_length=500, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    pinned = models.BooleanField(default=False)
    # While an alert with this key is open, raising it again counts it up instead of adding a row.
    dedupe_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - NULL takes no part in the key
    occurrences = models.PositiveIntegerField(default=1)
    last_raised_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "dedupe_key"], condition=Q(resolved_at=None), name="health_one_open_per_key"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="health_newest"),
            models.Index(
                fields=["tenant", "-created_at", "-id"], condition=Q(resolved_at=None), name="health_open_newest"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ReadReceipt(models.Model):
    """One person has seen one alert; reached through the alert, which belongs to a tenant."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    alert = models.ForeignKey(SystemHealthAlert, on_delete=models.CASCADE, related_name="receipts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "user"], name="health_read_once")]

    def __str__(self) -> str:
        return f"{self.user_id} read {self.alert_id}"
