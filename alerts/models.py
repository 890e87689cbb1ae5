"""Tables of alerting: rules with their state, incidents, transitions (what somebody may be told of), evaluations."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from alerts.decisions import CloseReason, NoDataPolicy, Operator, Outcome, Reason, Severity, Status, TransitionKind
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel

OPERATORS = [(item.value, item.value) for item in Operator]
NO_DATA_POLICIES = [(item.value, item.value) for item in NoDataPolicy]
STATUSES = [(item.value, item.value) for item in Status if item is not Status.RESOLVED]
SEVERITIES = [(item.value, item.value) for item in Severity]
OUTCOMES = [(item.value, item.value) for item in Outcome]
REASONS = [(item.value, item.value) for item in Reason]
CLOSE_REASONS = [(item.value, item.value) for item in CloseReason]
TRANSITION_KINDS = [(item.value, item.value) for item in TransitionKind]


class AlertRule(TenantModel):
    """A threshold over a metric, with the state of its state machine.

    The state stands on the rule's own row, so that a tick locks and reads it in one statement and never decides
    on a stale incident. `channels` is what the tenant sent; `provider_ids` is what it resolves to.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    metric = models.CharField(max_length=64)
    operator = models.CharField(max_length=3, choices=OPERATORS)
    threshold = models.FloatField()
    window_minutes = models.PositiveIntegerField(default=5)
    channels = models.JSONField(default=list, blank=True)
    provider_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    cooldown_minutes = models.PositiveIntegerField(default=60)
    pending_minutes = models.PositiveIntegerField(default=0)
    no_data_policy = models.CharField(max_length=5, choices=NO_DATA_POLICIES, default=NoDataPolicy.OK)
    notify_resolved = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True)
    muted_until = models.DateTimeField(null=True, blank=True)

    status = models.CharField(max_length=20, choices=STATUSES, default=Status.OK)
    severity = models.CharField(max_length=8, choices=SEVERITIES, blank=True)
    last_observed = models.FloatField(null=True, blank=True)
    last_evaluated_at = models.DateTimeField(null=True, blank=True)
    last_fired_at = models.DateTimeField(null=True, blank=True)
    last_transition_at = models.DateTimeField(null=True, blank=True)
    last_outcome = models.CharField(max_length=10, choices=OUTCOMES, null=True, blank=True)  # noqa: DJ001 - no transition yet
    pending_since = models.DateTimeField(null=True, blank=True)
    open_incident_id = models.UUIDField(null=True, blank=True)
    incident_number = models.PositiveIntegerField(default=0)
    is_acknowledged = models.BooleanField(default=False)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "created_at", "id"], name="alertrule_tenant_created")]
        constraints = [
            models.CheckConstraint(condition=Q(window_minutes__gte=1), name="alertrule_window_positive"),
            models.CheckConstraint(condition=Q(operator__in=list(Operator)), name="alertrule_operator_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Incident(TenantModel):
    """A breach from the evaluation that opened it to the first one that was well."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="incidents")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    close_reason = models.CharField(max_length=10, choices=CLOSE_REASONS, blank=True)
    severity = models.CharField(max_length=8, choices=SEVERITIES)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=254, blank=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["rule", "-opened_at"], name="incident_rule_opened")]
        constraints = [
            # Two ticks that both saw the same breach meet here, should every lock have failed.
            models.UniqueConstraint(fields=["rule"], condition=Q(closed_at=None), name="incident_one_open_per_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} since {self.opened_at:%Y-%m-%d %H:%M}"


class Transition(TenantModel):
    """A firing or a resolve notice of an incident: the ledger's row of what was to be told, once per number.

    `delivery_ids` names its rows in the delivery ledger, whose unique key is (incident, number, kind, destination).
    `settled_at` stays empty while a delivery is on its way.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="transitions")
    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="transitions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=TRANSITION_KINDS)
    at = models.DateTimeField()
    observed = models.FloatField(null=True)
    baseline = models.FloatField(null=True)
    threshold = models.FloatField()
    severity = models.CharField(max_length=8, choices=SEVERITIES)
    delivery_ids = ArrayField(models.UUIDField(), default=list)
    outcome = models.CharField(max_length=10, choices=OUTCOMES)
    settled_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["rule", "-at"], name="transition_rule_at"),
            models.Index(fields=["at"], condition=Q(settled_at=None), name="transition_unsettled"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["incident", "number", "kind"], name="transition_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class Evaluation(TenantModel):
    """One line of a rule's timeline: what was seen, and why it did or did not tell anyone.

    Written for every rule by every tick, so its foreign keys are not checked row by row; deleting a rule deletes
    them under the rule's lock, and old ones are purged by age.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(
        "tenancy.Tenant", on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    rule = models.ForeignKey(
        AlertRule, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="evaluations"
    )
    at = models.DateTimeField()
    status = models.CharField(max_length=20, choices=STATUSES)
    reason = models.CharField(max_length=20, choices=REASONS)
    operator = models.CharField(max_length=3, choices=OPERATORS)
    threshold = models.FloatField()
    observed = models.FloatField(null=True)
    baseline = models.FloatField(null=True)
    severity = models.CharField(max_length=8, choices=SEVERITIES, blank=True)
    until = models.DateTimeField(null=True)
    incident_id = models.UUIDField(null=True)
    number = models.PositiveIntegerField(default=0)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["rule", "-at", "-id"], name="evaluation_rule_at"),
            BrinIndex(fields=["at"], autosummarize=True, name="evaluation_at_brin"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.reason}"
