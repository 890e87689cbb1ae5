"""Tables of reporting: templates, schedules with their occurrences, runs with their files, and what narration cost."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel
from reports.decisions.vocabulary import (
    Format,
    LastStatus,
    MissedPolicy,
    OccurrenceOutcome,
    RunStatus,
    ScheduleState,
    Stage,
    TriggeredBy,
)

MAX_NAME = 120
FORMATS = [(item.value, item.value) for item in Format]
TRIGGERS = [(item.value, item.value) for item in TriggeredBy]
RUN_STATUSES = [(item.value, item.value) for item in RunStatus]
STAGES = [(item.value, item.value) for item in Stage]
SCHEDULE_STATES = [(item.value, item.value) for item in ScheduleState]
LAST_STATUSES = [(item.value, item.value) for item in LastStatus]
MISSED_POLICIES = [(item.value, item.value) for item in MissedPolicy]
OCCURRENCE_OUTCOMES = [(item.value, item.value) for item in OccurrenceOutcome]


class ReportTemplate(TenantModel):
    """What a report shows, and to whom it goes when it is run by hand (`destination_ids`); schedules name their own.

    `data_sources`, `sections` and `narrative` are kept in the wire's names; `reports.decisions.definition` reads them.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=MAX_NAME)
    description = models.TextField(blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    data_sources = models.JSONField(default=list, blank=True)
    sections = models.JSONField(default=list, blank=True)
    formats = ArrayField(models.CharField(max_length=10, choices=FORMATS), default=list)
    narrative = models.JSONField(default=dict, blank=True)
    destination_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-created_at", "-id"], name="reporttemplate_tenant_created")]

    def __str__(self) -> str:
        return self.name


class ReportSchedule(TenantModel):
    """When a template goes out and to whom.

    `next_run_at` is what people read; whether an occurrence has fired is decided by its row. An active schedule without
    it is due at the next tick, which gives it one. `last_occurrence_at` is how far occurrences have been decided.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # No constraint in the database: a template that is gone all the same is a failure that the tick names.
    template = models.ForeignKey(
        ReportTemplate, on_delete=models.CASCADE, related_name="schedules", db_constraint=False
    )
    name = models.CharField(max_length=MAX_NAME)
    cron_expression = models.CharField(max_length=120)
    timezone = models.CharField(max_length=64, default="UTC")
    destination_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    enabled = models.BooleanField(default=True)
    missed_policy = models.CharField(max_length=4, choices=MISSED_POLICIES, default=MissedPolicy.ONCE)
    skip_if_empty = models.BooleanField(default=False)

    state = models.CharField(max_length=6, choices=SCHEDULE_STATES, default=ScheduleState.ACTIVE)
    state_reason = models.TextField(blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_occurrence_at = models.DateTimeField(null=True, blank=True)
    next_run_at = models.DateTimeField(null=True, blank=True)
    last_status = models.CharField(max_length=21, choices=LAST_STATUSES, default=LastStatus.PENDING)
    failures_in_a_row = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="reportschedule_tenant_created"),
            # What a tick walks along: those without a time first.
            models.Index(
                F("next_run_at").asc(nulls_first=True), "id", name="reportschedule_due",
                condition=Q(enabled=True, state=ScheduleState.ACTIVE),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name


class ReportRun(TenantModel):
    """One making of a report, with what it was made of: a template that changes meanwhile changes no run.

    Whoever works on it holds `claim_token` until `lease_until`; a run whose lease has passed is anybody's to take.
    `sections_data` holds the first rows of each section, the artifacts all of them.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    template = models.ForeignKey(
        ReportTemplate, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    schedule = models.ForeignKey(ReportSchedule, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    definition = models.JSONField()
    zone = models.CharField(max_length=64, default="UTC")
    destination_ids = ArrayField(models.UUIDField(), default=list)
    skip_if_empty = models.BooleanField(default=False)
    occurrence_at = models.DateTimeField(null=True, blank=True)
    triggered_by = models.CharField(max_length=6, choices=TRIGGERS)
    requested_by = models.CharField(max_length=254, blank=True)

    status = models.CharField(max_length=21, choices=RUN_STATUSES, default=RunStatus.RUNNING)
    stage = models.CharField(max_length=10, choices=STAGES, default=Stage.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    claim_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    # The period that the figures are of ends here; building it again gives the same report.
    data_until = models.DateTimeField()
    is_empty = models.BooleanField(default=False)
    sections_data = models.JSONField(default=list)
    narrative_output = models.JSONField(null=True, blank=True)
    delivery_ids = ArrayField(models.UUIDField(), default=list)
    error = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="reportrun_tenant_created"),
            models.Index(fields=["template", "-created_at", "-id"], name="reportrun_template_created"),
            models.Index(fields=["schedule", "-created_at", "-id"], name="reportrun_schedule_created"),
            models.Index(fields=["created_at", "id"], name="reportrun_open", condition=Q(status=RunStatus.RUNNING)),
        ]

    def __str__(self) -> str:
        return f"{self.definition.get('name', '')} at {self.started_at:%Y-%m-%d %H:%M}"


class ReportOccurrence(TenantModel):
    """A time at which a schedule was due, once: the ledger that two ticks meet, with what became of it and why."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    schedule = models.ForeignKey(ReportSchedule, on_delete=models.CASCADE, related_name="occurrences", db_index=False)
    occurrence_at = models.DateTimeField()
    outcome = models.CharField(max_length=13, choices=OCCURRENCE_OUTCOMES)
    reason = models.TextField(blank=True)
    run = models.ForeignKey(ReportRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="occurrences")
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["schedule", "occurrence_at"], name="reportoccurrence_once")]

    def __str__(self) -> str:
        return f"{self.occurrence_at:%Y-%m-%d %H:%M}: {self.outcome}"


class ReportArtifact(TenantModel):
    """A file of a run; its bytes are in chunks, so that none is held whole."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(ReportRun, on_delete=models.CASCADE, related_name="artifacts", db_index=False)
    format = models.CharField(max_length=10, choices=FORMATS)
    filename = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["run", "format"], name="reportartifact_one_a_format")]

    def __str__(self) -> str:
        return self.filename


class ReportArtifactChunk(TenantModel):
    """A piece of a file, numbered from 0."""

    artifact = models.ForeignKey(ReportArtifact, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["artifact", "number"], name="reportartifactchunk_number")]

    def __str__(self) -> str:
        return f"{self.artifact_id} {self.number}"


class NarrationCall(TenantModel):
    """One call to a model and what it cost; no `usd` where no price is known."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(ReportRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    tokens = models.PositiveIntegerField()
    usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    is_estimate = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "at"], name="narrationcall_tenant_at", include=["tokens", "usd"]),
        ]

    def __str__(self) -> str:
        return f"{self.tokens} tokens"
