"""The history of ticks, for everybody who asks whether the scheduler is alive."""

from django.db import models

from kaireon.platform.ids import new_id
from triggers.decisions.vocabulary import TickSource

SOURCES = [(item.value, item.value) for item in TickSource]


class SchedulerTick(models.Model):
    """One tick; it belongs to no tenant. What it did for one stands in that tenant's occurrences.

    `was_locked`: another one was deciding, and this one left it to that. A day of them is kept.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=7, choices=SOURCES)
    # Which process ticked: host and process id.
    ticker = models.CharField(max_length=120, blank=True)
    # A tick of one tenant (a session, `--tenant`) says whose.
    tenant = models.ForeignKey(
        "tenancy.Tenant", null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    was_locked = models.BooleanField(default=False)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    # Of the deciding transactions alone, under the lock.
    decided_ms = models.PositiveIntegerField(null=True, blank=True)
    due = models.PositiveIntegerField(default=0)
    dispatched = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    listed = models.PositiveIntegerField(default=0)
    remaining = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["-at", "-id"], name="schedulertick_at")]

    def __str__(self) -> str:
        return f"tick of {self.at}"
