"""The schedules of live pipelines, each with the instant at which the tick looks at it next."""

from django.db import models
from django.db.models import Q

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel
from triggers.decisions.vocabulary import TriggerState

STATES = [(item.value, item.value) for item in TriggerState]


class PipelineSchedule(TenantModel):
    """The schedule of a pipeline's live version; a copy, kept in the transaction that saves, publishes or pauses.

    Occurrences up to and with `decided_until` have been decided, and have their rows; `next_due_at` is when the next
    one is to be. The ledger prevents doubles, these two make the tick cheap.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pipeline = models.OneToOneField("flows.Pipeline", on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField()
    # The IR's `schedule`, as it was saved, and what a rule with COUNT ends at.
    spec = models.JSONField()
    state = models.CharField(max_length=6, choices=STATES, default=TriggerState.ACTIVE)
    # Why it is parked, or paused.
    reason = models.TextField(blank=True)
    # When it began to count: saved as it stands, or resumed.
    active_since = models.DateTimeField()
    decided_until = models.DateTimeField()
    next_due_at = models.DateTimeField(null=True, blank=True)
    last_fired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes = [
            # All that a tick looks at, of however many schedules.
            models.Index(fields=["next_due_at", "id"], name="schedule_due", condition=Q(state=TriggerState.ACTIVE)),
            models.Index(fields=["tenant", "state", "next_due_at"], name="schedule_tenant_due"),
        ]

    def __str__(self) -> str:
        return f"schedule of {self.pipeline_id}"


class TenantCounts(TenantModel):
    """How many pipelines a tenant has, and how many are scheduled: kept, because counting costs a scan (settled 6)."""

    tenant = models.OneToOneField("tenancy.Tenant", primary_key=True, on_delete=models.CASCADE, related_name="+")
    pipelines = models.PositiveIntegerField(default=0)
    scheduled = models.PositiveIntegerField(default=0)
    file_triggers = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"counts of {self.tenant_id}"
