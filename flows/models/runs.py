"""Runs: who works on them, how far they are, the files in their hands, and what was wrong with which row."""

from django.db import models
from django.db.models import Q

from flows.decisions.runs import Ending
from flows.decisions.vocabulary import FileState, LogLevel, Overlap, RunStatus, Stage, TriggerSource
from flows.models.pipelines import Pipeline
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel

STATUSES = [(item.value, item.value) for item in RunStatus]
STAGES = [(item.value, item.value) for item in Stage]
SOURCES = [(item.value, item.value) for item in TriggerSource]
FILE_STATES = [(item.value, item.value) for item in FileState]
OVERLAPS = [(item.value, item.value) for item in Overlap]
ENDINGS = [(item.value, item.value) for item in Ending]
LEVELS = [(item.value, item.value) for item in LogLevel]
OPEN_FILES = [state.value for state in FileState if state.is_open]


class PipelineRun(TenantModel):
    """One run of one version of a pipeline.

    Whoever works on it holds `claim_token` until `lease_until`. `committed_at` is written in the transaction of the
    load: from then on the run can only end well, whoever ends it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="runs", db_index=False)
    ir_version = models.PositiveIntegerField()
    trigger_source = models.CharField(max_length=12, choices=SOURCES)
    requested_by = models.CharField(max_length=254, blank=True)
    # What the trigger knew: the files it saw, the occurrence, the range of a backfill.
    parameters = models.JSONField(default=dict, blank=True)
    retry_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries")
    overlap = models.CharField(max_length=5, choices=OVERLAPS, default=Overlap.QUEUE)

    status = models.CharField(max_length=21, choices=STATUSES, default=RunStatus.PENDING)
    stage = models.CharField(max_length=12, choices=STAGES, default=Stage.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=1)
    # How often a worker died with it: apart from `attempt`, which counts failures of the work itself.
    deaths = models.PositiveSmallIntegerField(default=0)
    # How often it found no file and went on waiting (waitPolicy).
    looks = models.PositiveSmallIntegerField(default=0)
    # Where a run goes that has not committed: written before its first file is moved for it, so that whoever finds it
    # dead goes on with that. `clearings` counts vain tries to move files.
    ending = models.CharField(max_length=9, choices=ENDINGS, default=Ending.NONE, blank=True)
    clearings = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    claim_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=254, blank=True)
    time_limit_seconds = models.PositiveIntegerField(default=3_600)

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    committed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    progressed_at = models.DateTimeField(null=True, blank=True)

    rows_in = models.PositiveBigIntegerField(default=0)
    rows_out = models.PositiveBigIntegerField(default=0)
    failed_rows = models.PositiveBigIntegerField(default=0)
    skipped_rows = models.PositiveBigIntegerField(default=0)
    # Known once the files are read; until then null.
    total_rows = models.PositiveBigIntegerField(null=True, blank=True)
    processed_rows = models.PositiveBigIntegerField(default=0)
    bytes_in = models.PositiveBigIntegerField(default=0)
    total_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    # One for each file: [{"index", "name", "status", "rows", "bytes"}].
    partitions = models.JSONField(default=list, blank=True)
    # One for each stage passed: [{"stage", "startedAt", "finishedAt", "rowsIn", "rowsOut", "quarantined"}].
    stages = models.JSONField(default=list, blank=True)
    load_strategy = models.CharField(max_length=60, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    # {"sqlSnippets": {node: sql}, "quarantineTables": {node: table}, "engine", "engineVersion", …}.
    metadata = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    error_id = models.UUIDField(null=True, blank=True)
    error_node = models.CharField(max_length=63, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            # Whatever claims do: runs of one pipeline are never under way together, unless they allow it.
            models.UniqueConstraint(
                fields=["pipeline"], name="pipelinerun_one_at_a_time",
                condition=Q(status=RunStatus.RUNNING) & ~Q(overlap=Overlap.ALLOW),
            )
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="pipelinerun_tenant_created"),
            models.Index(fields=["pipeline", "-created_at", "-id"], name="pipelinerun_pipeline_created"),
            models.Index(
                fields=["not_before", "id"], name="pipelinerun_open",
                condition=Q(status__in=[RunStatus.PENDING, RunStatus.RUNNING]),
            ),
            # What a dispatch asks of a pipeline, however many runs it has had.
            models.Index(
                fields=["pipeline", "created_at", "id"], name="pipelinerun_open_of",
                condition=Q(status__in=[RunStatus.PENDING, RunStatus.RUNNING]),
            ),
            # Few at any time, and asked for at every claim, whatever else waits. Beats change none of its columns.
            models.Index(fields=["id"], name="pipelinerun_running", condition=Q(status=RunStatus.RUNNING)),
            models.Index(fields=["tenant", "status", "-created_at", "-id"], name="pipelinerun_tenant_status"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"run {self.id} of {self.pipeline_id}"


class RunFile(TenantModel):
    """A file in the hands of a run: no other run may take the same version of it while it is open.

    `identity` is what settled 30 says: store, key, and version, or etag/inode with size and time.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(PipelineRun, on_delete=models.CASCADE, related_name="files", db_index=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="+", db_index=False)
    node_id = models.CharField(max_length=63)
    # Which store, without its secrets: "local_fs", "s3://bucket", "sftp://host:22".
    store = models.CharField(max_length=300)
    key = models.TextField()
    identity = models.CharField(max_length=64)
    staged_key = models.TextField(blank=True)
    final_key = models.TextField(blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    modified_at = models.DateTimeField(null=True, blank=True)
    is_control = models.BooleanField(default=False)
    state = models.CharField(max_length=9, choices=FILE_STATES, default=FileState.CLAIMED)
    rows = models.PositiveBigIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "store", "identity"], name="runfile_in_one_hand", condition=Q(state__in=OPEN_FILES)
            )
        ]
        indexes = [
            models.Index(fields=["run", "key"], name="runfile_run"),
            models.Index(fields=["pipeline", "identity"], name="runfile_pipeline_identity"),
        ]

    def __str__(self) -> str:
        return self.key


class RunLogLine(TenantModel):
    """A line of a run's log."""

    run = models.ForeignKey(PipelineRun, on_delete=models.CASCADE, related_name="log", db_index=False)
    at = models.DateTimeField()
    stage = models.CharField(max_length=12, choices=STAGES)
    level = models.CharField(max_length=7, choices=LEVELS, default=LogLevel.INFO)
    message = models.TextField()

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["run", "id"], name="runlogline_run")]

    def __str__(self) -> str:
        return self.message


class RunError(TenantModel):
    """What was wrong with a row, at most a thousand of a run; all rows themselves are in the quarantine table.

    `row` is its line in the file where it could not be read, else its number among the rows of the node.
    """

    run = models.ForeignKey(PipelineRun, on_delete=models.CASCADE, related_name="errors", db_index=False)
    node_id = models.CharField(max_length=63, blank=True)
    rule_id = models.CharField(max_length=120, blank=True)
    file = models.TextField(blank=True)
    row = models.PositiveBigIntegerField(null=True, blank=True)
    column = models.CharField(max_length=63, blank=True)
    value = models.TextField(blank=True)
    error = models.TextField()

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["run", "id"], name="runerror_run")]

    def __str__(self) -> str:
        return self.error
