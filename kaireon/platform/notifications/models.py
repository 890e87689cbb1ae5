"""Destinations, deliveries and their attempts. A destination's config is in the vault, never here."""

from django.db import models

from kaireon.platform.ids import new_id
from kaireon.platform.notifications.decisions import DestinationState, State
from kaireon.platform.tenancy.scoping import TenantModel

MAX_NAME = 120


class Destination(TenantModel):
    """Where messages can go; the API calls it a provider. `shown_config` is the config with its secrets masked."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=MAX_NAME)
    enabled = models.BooleanField(default=True)
    shown_config = models.JSONField(default=dict)
    config_summary = models.CharField(max_length=300)
    state = models.CharField(
        max_length=10, default=DestinationState.OK, choices=[(state, state) for state in DestinationState]
    )
    state_reason = models.TextField(blank=True)
    state_changed_at = models.DateTimeField()
    # A 429 with Retry-After holds back every delivery to this destination, not only the one that met it.
    paused_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-created_at", "-id"], name="destination_tenant_created")]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


class Delivery(TenantModel):
    """One message for one destination: the row decides whether it is sent, and tells how it went.

    `provider_id` is no foreign key: a rule may name a destination that is gone, and history outlives it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider_id = models.UUIDField()
    provider_kind = models.CharField(max_length=20, blank=True)
    provider_name = models.CharField(max_length=MAX_NAME, blank=True)
    event_type = models.CharField(max_length=60)
    subject = models.TextField()
    message = models.JSONField()
    dedupe_key = models.CharField(max_length=300, unique=True)
    state = models.CharField(max_length=10, choices=[(state, state) for state in State])
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claim_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    sending_at = models.DateTimeField(null=True, blank=True)
    depends_on = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="dependants", db_index=False
    )
    digest = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="folded", db_index=False
    )
    resend_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="resends", db_index=False
    )
    error = models.TextField(blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(
                name="delivery_pending_has_time",
                condition=~models.Q(state=State.PENDING) | models.Q(next_attempt_at__isnull=False),
            ),
            models.CheckConstraint(
                name="delivery_sending_has_claim",
                condition=~models.Q(state=State.SENDING)
                | models.Q(claim_token__isnull=False, lease_until__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="delivery_tenant_created"),
            models.Index(fields=["tenant", "provider_id", "-created_at", "-id"], name="delivery_provider_created"),
            # Due deliveries of one destination, oldest first: what a claim walks along.
            models.Index(
                fields=["provider_id", "next_attempt_at", "id"],
                name="delivery_pending",
                condition=models.Q(state=State.PENDING),
            ),
            models.Index(
                fields=["provider_id", "lease_until"], name="delivery_sending", condition=models.Q(state=State.SENDING)
            ),
            models.Index(
                fields=["depends_on"],
                name="delivery_waiting",
                condition=models.Q(state=State.PENDING, depends_on__isnull=False),
            ),
            *(
                models.Index(fields=[name], name=f"delivery_{name}", condition=models.Q(**{f"{name}__isnull": False}))
                for name in ("depends_on", "digest", "resend_of")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} to {self.provider_name}: {self.state}"


class DeliveryAttempt(TenantModel):
    """One try of a delivery: when, how long, and what the other side answered."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempt_rows", db_index=False)
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    outcome = models.CharField(max_length=10)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number_unique")]

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.outcome}"
