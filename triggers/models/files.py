"""What file arrival watches: folders of stores, and the triggers that wait for files in them."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel
from triggers.decisions.vocabulary import OnMiss, TriggerState

STATES = [(item.value, item.value) for item in TriggerState]
ON_MISS = [(item.value, item.value) for item in OnMiss]


class WatchedFolder(TenantModel):
    """One folder of one store, listed once a tick however many triggers watch it, under a lease of its own.

    `store` has no secrets: `local_fs`, `s3://bucket`, `sftp://host:22`. `folder` is absolute within it, without a
    slash at its end (and for stores of objects at its start). A store that fails is left alone until `next_look_at`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=20)
    store = models.CharField(max_length=300)
    folder = models.TextField(blank=True)
    # With whose credentials: two connectors to one bucket may see different things.
    connector = models.ForeignKey(
        "flows.Connector", null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True)
    files_seen = models.PositiveIntegerField(null=True, blank=True)
    took_ms = models.PositiveIntegerField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "connector", "store", "folder"], name="watchedfolder_once", nulls_distinct=False
            )
        ]
        indexes = [
            # Of a push: which folders of any tenant lie under this bucket at this place.
            models.Index(fields=["store", "folder"], name="watchedfolder_place"),
        ]

    def __str__(self) -> str:
        return f"{self.store} {self.folder}"

    def is_left_alone(self, now: datetime) -> bool:
        """Tell whether its store has failed so recently that nobody asks it."""
        return self.next_look_at is not None and self.next_look_at > now


class FileTrigger(TenantModel):
    """The file-arrival trigger of a pipeline's live version; a copy, kept in the transaction that saves it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pipeline = models.OneToOneField("flows.Pipeline", on_delete=models.CASCADE, related_name="+")
    # None while its place cannot be told: then it is parked.
    folder = models.ForeignKey(
        WatchedFolder, null=True, blank=True, on_delete=models.RESTRICT, related_name="triggers", db_index=False
    )
    version = models.PositiveIntegerField()
    source_id = models.CharField(max_length=63)
    # The pattern that fires, as in the IR: the sentinel's, else the source's own.
    pattern = models.JSONField()
    is_control = models.BooleanField(default=False)
    allow_overlap = models.BooleanField(default=False)
    debounce_seconds = models.PositiveIntegerField(default=60)
    # What was said, or settled 32.
    stable_seconds = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=6, choices=STATES, default=TriggerState.ACTIVE)
    reason = models.TextField(blank=True)
    # When it began to watch: saved, or resumed. Files that lie there already count.
    active_since = models.DateTimeField()
    last_fired_at = models.DateTimeField(null=True, blank=True)

    deadline_minutes = models.PositiveIntegerField(null=True, blank=True)
    on_miss = models.CharField(max_length=5, choices=ON_MISS, blank=True)
    # When the deadline passes, as far as is known: a run that began since moves it, found out when it is looked at.
    deadline_at = models.DateTimeField(null=True, blank=True)
    # The anchor whose deadline was missed; cleared when a file has come.
    missed_anchor = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes = [
            # Also of paused ones: masks are compared with theirs.
            models.Index(fields=["folder"], name="filetrigger_folder"),
            models.Index(
                fields=["deadline_at", "id"], name="filetrigger_deadline",
                condition=Q(state=TriggerState.ACTIVE, deadline_at__isnull=False),
            ),
            models.Index(fields=["tenant", "state"], name="filetrigger_tenant_state"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"file trigger of {self.pipeline_id}"
