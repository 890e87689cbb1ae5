"""Tables: events on their way out, those that could not leave, what was published lately, and who publishes."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantManager, TenantModel
from outbox.decisions import DeadReason, Status
from outbox.decisions.events import MAX_KEY, MAX_TOPIC

SEQUENCE = "outbox_events_seq"


class JsonTextField(models.JSONField):
    """JSON kept as the text that was written (`json`, not `jsonb`): it goes to the broker as it stands.

    Assign and read Python values; raw SQL passes the text through with `payload::text`.
    """

    def db_type(self, connection: Any) -> str:
        """Return PostgreSQL's text form of JSON."""
        return "json"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return the value: psycopg has read it already."""
        return value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Return JSON text; a text that is given is taken for a JSON string."""
        return super().get_db_prep_value(value, connection, prepared)


class NextSequence(models.Func):
    """The next place in the line of events."""

    function = "nextval"
    output_field = models.BigIntegerField()

    def __init__(self) -> None:
        super().__init__(models.Value(SEQUENCE))


class CarriedEvent(TenantModel):
    """What an event and a dead letter share.

    `seq` orders events of one key: a transaction that began after another one's commit has the greater number.
    The tenant is not checked by a constraint: that look-up would cost every recorded interaction, and a deleted
    tenant's events are deleted by the cascade.
    """

    tenant = models.ForeignKey(
        "tenancy.Tenant", on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    seq = models.BigIntegerField(db_default=NextSequence(), editable=False)
    topic = models.CharField(max_length=MAX_TOPIC)
    key = models.CharField(max_length=MAX_KEY)
    payload = JsonTextField()
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        abstract = True

    def __str__(self) -> str:
        return f"{self.topic} · {self.key}"


class OutboxEvent(CarriedEvent):
    """An event that waits, or that a publisher holds under its claim token until the lease ends.

    `is_held`: an event of this key failed and waits for its next attempt, so all later ones of the key stand aside.
    The first of them carries `next_attempt_at`.
    """

    status = models.CharField(
        max_length=10, choices=[(each.value, each.value) for each in Status], db_default=Status.PENDING.value
    )
    is_held = models.BooleanField(db_default=False)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    next_attempt_at = models.DateTimeField(null=True)
    claim_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    last_error = models.TextField(db_default="")
    error_id = models.UUIDField(null=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta(CarriedEvent.Meta):
        abstract = False
        db_table = "outbox_events"
        indexes = [
            # No index knows the status: a claim rewrites the row on its own page and touches no index (HOT).
            models.Index(fields=["tenant", "seq"], name="outbox_ready", condition=Q(is_held=False)),
            models.Index(fields=["tenant", "key", "seq"], name="outbox_held", condition=Q(is_held=True)),
            models.Index(fields=["next_attempt_at"], name="outbox_due", condition=Q(next_attempt_at__isnull=False)),
        ]


class DeadLetter(CarriedEvent):
    """An event that could not be published; it stays until a person retries or purges it."""

    reason = models.CharField(max_length=10, choices=[(each.value, each.value) for each in DeadReason])
    error = models.TextField()
    error_id = models.UUIDField(null=True)
    retry_count = models.PositiveSmallIntegerField()
    failed_at = models.DateTimeField()

    class Meta(CarriedEvent.Meta):
        abstract = False
        db_table = "outbox_dead_letters"
        indexes = [
            models.Index(fields=["tenant", "-failed_at", "-id"], name="outbox_dead_newest"),
            models.Index(fields=["tenant", "topic", "-failed_at"], name="outbox_dead_topic"),
            # A retry takes them batch by batch in the order of the line.
            models.Index(fields=["tenant", "seq"], name="outbox_dead_line"),
        ]


class DeadCount(TenantModel):
    """How many dead letters a tenant has of a topic: kept by a trigger, so that nobody counts millions.

    No constraint on the tenant here either: one dead letter of a tenant that is gone would fail its whole settlement.
    """

    tenant = models.ForeignKey(
        "tenancy.Tenant", on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    topic = models.CharField(max_length=MAX_TOPIC)
    total = models.BigIntegerField(default=0)

    class Meta(TenantModel.Meta):
        db_table = "outbox_dead_counts"
        constraints = [models.UniqueConstraint(fields=["tenant", "topic"], name="outbox_dead_count_unique")]

    def __str__(self) -> str:
        return f"{self.topic}: {self.total}"


class PublishedEvent(models.Model):
    """An event that was published lately: an unlogged table, one partition per hour, dropped whole."""

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(
        "tenancy.Tenant", on_delete=models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+"
    )
    topic = models.CharField(max_length=MAX_TOPIC)
    key = models.CharField(max_length=MAX_KEY)
    payload = JsonTextField()
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField()
    published_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField()
    publisher = models.UUIDField()
    receipt = models.TextField()

    objects = TenantManager()
    unscoped = models.Manager()  # noqa: DJ012 - managers stand together

    class Meta:
        managed = False
        db_table = "outbox_history"
        base_manager_name = "unscoped"
        default_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.topic} · {self.key}"


class PublisherClaim(models.Model):
    """What one publisher holds: the keys of its events in flight, as 64-bit hashes, and until when.

    A claim asks here which keys are in flight. One row per publisher, rewritten by each of its claims.
    """

    publisher = models.UUIDField(primary_key=True, editable=False)
    token = models.UUIDField()
    lease_until = models.DateTimeField()
    keys = ArrayField(models.BigIntegerField())

    class Meta:
        db_table = "outbox_claims"

    def __str__(self) -> str:
        return f"{self.publisher}: {len(self.keys)} events"


class PublisherProcess(models.Model):
    """A publisher that lives, or lived: one row per process, renewed by its loop every few seconds.

    `published_per_second` is over the last minute; `state` is `publishing`, `idle`, `backend_down` or `draining`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    backend = models.CharField(max_length=40)
    state = models.CharField(max_length=20)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    published_total = models.BigIntegerField(default=0)
    published_per_second = models.FloatField(default=0)
    last_error = models.TextField(blank=True, default="")
    last_error_id = models.UUIDField(null=True)
    last_error_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "outbox_publishers"

    def __str__(self) -> str:
        return f"{self.host}:{self.pid} · {self.backend}"
