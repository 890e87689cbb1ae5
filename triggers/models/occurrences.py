"""The ledger: one row for every occurrence that was expected, with what became of it and why."""

from django.db import models
from django.db.models import Q

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel
from triggers.decisions.vocabulary import HeldFor, OccurrenceKind, Outcome, Via

KINDS = [(item.value, item.value) for item in OccurrenceKind]
OUTCOMES = [(item.value, item.value) for item in Outcome]
HELD_FOR = [(item.value, item.value) for item in HeldFor]
VIAS = [(item.value, item.value) for item in Via]


class Occurrence(TenantModel):
    """One expected occurrence of one pipeline; the unique key is what prevents a double, whoever ticks.

    `key`: the instant of a schedule, a backfill or a deadline's anchor as ISO 8601 in UTC; a file's identity.
    A stretch of instants too long to write one by one is one row with `until` and `count`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pipeline = models.ForeignKey("flows.Pipeline", on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=KINDS)
    key = models.CharField(max_length=64)
    # When it was expected: the instant; for a file, when it was first seen.
    occurrence_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    count = models.PositiveIntegerField(default=1)

    outcome = models.CharField(max_length=15, choices=OUTCOMES)
    reason = models.TextField(blank=True)
    run = models.ForeignKey(
        "flows.PipelineRun", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField()
    # While it is held: until when, and what for.
    due_at = models.DateTimeField(null=True, blank=True)
    held_for = models.CharField(max_length=8, choices=HELD_FOR, default=HeldFor.NOTHING, blank=True)
    # How often the same came again and was refused as a duplicate, and when last.
    repeats = models.PositiveIntegerField(default=0)
    repeated_at = models.DateTimeField(null=True, blank=True)

    via = models.CharField(max_length=7, choices=VIAS, default=Via.TICK)
    # The tick that decided it. Of ticks a day is kept, and trimming them touches no row of the ledger.
    tick = models.ForeignKey(
        "triggers.SchedulerTick", null=True, blank=True, on_delete=models.DO_NOTHING, db_constraint=False,
        related_name="+", db_index=False,
    )  # fmt: skip
    version = models.PositiveIntegerField(null=True, blank=True)
    # A sentinel that several pipelines read: the last run that ends archives it, and until then this says so.
    is_shared = models.BooleanField(default=False)
    # Of a file: {"store", "key", "size", "modifiedAt", "nodeId", "isControl"}; of a schedule: {"overlap", "catchUp"}.
    detail = models.JSONField(default=dict, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["pipeline", "kind", "key"], name="occurrence_once")]
        indexes = [
            models.Index(fields=["pipeline", "-occurrence_at", "-id"], name="occurrence_pipeline_at"),
            models.Index(fields=["tenant", "-occurrence_at", "-id"], name="occurrence_tenant_at"),
            models.Index(fields=["due_at", "id"], name="occurrence_held", condition=Q(outcome=Outcome.HELD)),
            models.Index(fields=["tenant", "outcome", "-occurrence_at", "-id"], name="occurrence_tenant_outcome"),
            models.Index(fields=["tenant", "key"], name="occurrence_shared", condition=Q(is_shared=True)),
            # Few among very many, and asked for by themselves.
            models.Index(
                fields=["tenant", "kind", "-occurrence_at", "-id"],
                name="occurrence_rare_kind",
                condition=Q(kind__in=[OccurrenceKind.BACKFILL, OccurrenceKind.DEADLINE]),
            ),
            # SET NULL, and the evidence of a run.
            models.Index(fields=["run"], name="occurrence_run", condition=Q(run__isnull=False)),
            models.Index(fields=["tick"], name="occurrence_tick", condition=Q(tick__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} of {self.pipeline_id}"
