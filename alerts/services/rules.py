"""Create, change, delete, mute and acknowledge alert rules."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from alerts.decisions import CloseReason, NoDataPolicy, Status
from alerts.models import AlertRule, Incident
from alerts.services.announcing import record_change, rule_state, settle_health
from alerts.services.channels import resolve_channels
from interactions.selectors import find_metric
from kaireon.platform.errors import Conflict, NotFound, Unprocessable
from kaireon.platform.ids import new_id
from kaireon.platform.locks import lock_key, xact_lock
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.guardrails import guardrails_of
from kaireon.platform.tenancy.models import Tenant

NOT_FOUND = "There is no such alert rule for this tenant."
_CONDITION = ("metric", "operator", "threshold", "window_minutes")


def create_rule(*, tenant: Tenant, values: Mapping[str, Any], actor: Actor, now: datetime) -> AlertRule:
    """Create a rule and return it; a metric that nothing measures shows as `unsupported_metric` at once.

    Raises Unprocessable for an unknown destination, or over the tenant's `maxAlertRules`.
    """
    providers = resolve_channels(
        tenant_id=tenant.pk, channels=values.get("channels", []), known=(), actor=actor, now=now
    )  # fmt: skip
    return _insert_rule(tenant, {**values, "provider_ids": providers}, actor, now)


@transaction.atomic(durable=True)
def _insert_rule(tenant: Tenant, values: Mapping[str, Any], actor: Actor, now: datetime) -> AlertRule:
    # Two requests at the cap must not both see room for one.
    xact_lock(lock_key("alerts.rules", tenant.pk))
    limit = guardrails_of(tenant).max_alert_rules
    if AlertRule.objects.for_tenant(tenant).count() >= limit:
        text = f"The tenant has {limit} alert rules, which is its cap (guardrails.maxAlertRules)."
        raise Unprocessable(text, code="GUARDRAIL", fields={"guardrails.maxAlertRules": [text]})
    rule = AlertRule(id=new_id(), tenant=tenant, status=_fresh_status(values["metric"]), created_at=now, updated_at=now)
    for name, value in values.items():
        setattr(rule, name, value)
    rule.save(force_insert=True)
    record_change(rule, "create", actor, now, after=rule_state(rule))
    return rule


def update_rule(
    *, tenant: Tenant, rule_id: uuid.UUID, changes: Mapping[str, Any], actor: Actor, now: datetime
) -> AlertRule:
    """Change the given settings of a rule and return it.

    A changed condition starts the wait anew; switching the rule off closes its incident without a message.
    Raises NotFound, and Unprocessable for a destination that is not there.
    """
    resolved = dict(changes)
    if "channels" in changes:
        known = AlertRule.objects.for_tenant(tenant).filter(pk=rule_id).values_list("provider_ids", flat=True).first()
        if known is None:
            raise NotFound(NOT_FOUND)
        resolved["provider_ids"] = resolve_channels(
            tenant_id=tenant.pk, channels=changes["channels"], known=known, actor=actor, now=now
        )  # fmt: skip
    return _change_rule(tenant, rule_id, resolved, actor, now)


@transaction.atomic(durable=True)
def _change_rule(
    tenant: Tenant, rule_id: uuid.UUID, changes: Mapping[str, Any], actor: Actor, now: datetime
) -> AlertRule:  # fmt: skip
    rule = _locked(tenant, rule_id)
    before = rule_state(rule)
    written = {"updated_at", *changes}
    is_new_condition = any(name in changes and changes[name] != getattr(rule, name) for name in _CONDITION)
    was_enabled = rule.enabled
    rule.updated_at = now
    for name, value in changes.items():
        setattr(rule, name, value)
    if is_new_condition:
        rule.pending_since = None
        written.add("pending_since")
    if was_enabled and not rule.enabled:
        written |= _stand_down(rule, now)
    is_supported = find_metric(rule.metric) is not None
    if is_supported is (rule.status == Status.UNSUPPORTED_METRIC):
        rule.status = Status.OK if is_supported else Status.UNSUPPORTED_METRIC
        written.add("status")
    rule.save(update_fields=sorted(written))
    record_change(rule, "update", actor, now, before=before, after=rule_state(rule))
    return rule


@transaction.atomic(durable=True)
def delete_rule(*, tenant: Tenant, rule_id: uuid.UUID, actor: Actor, now: datetime) -> None:
    """Delete a rule with its incidents and timeline; deliveries stay in their ledger. Raises NotFound."""
    rule = _locked(tenant, rule_id)
    before = rule_state(rule)
    settle_health(rule, now)
    # The row keeps its id for the audit entry, whose locks are the last ones taken.
    AlertRule.objects.for_tenant(tenant).filter(pk=rule.pk).delete()
    record_change(rule, "delete", actor, now, before=before)


@transaction.atomic(durable=True)
def mute_rule(
    *, tenant: Tenant, rule_id: uuid.UUID, until: datetime | None, actor: Actor, now: datetime
) -> AlertRule:  # fmt: skip
    """Silence a rule's firings until then, or end the silence with None, and return it.

    Incidents are tracked all the same, and what was told before is still told to be over.
    Raises NotFound, and Unprocessable for a time that has passed.
    """
    if until is not None and until <= now:
        raise Unprocessable("until: Must be in the future.", fields={"until": ["Must be in the future."]})
    rule = _locked(tenant, rule_id)
    before = {"mutedUntil": rule.muted_until}
    rule.muted_until, rule.updated_at = until, now
    rule.save(update_fields=["muted_until", "updated_at"])
    record_change(rule, "mute" if until else "unmute", actor, now, before=before, after={"mutedUntil": until})
    return rule


@transaction.atomic(durable=True)
def acknowledge_rule(*, tenant: Tenant, rule_id: uuid.UUID, actor: Actor, now: datetime) -> Incident:
    """Take the rule's open incident: it is not repeated; its end is still told. Returns the incident.

    Acknowledging again changes nothing. Raises NotFound, and Conflict when no incident is open.
    """
    rule = _locked(tenant, rule_id)
    incident = Incident.objects.for_tenant(tenant).filter(rule=rule, closed_at=None).first()
    if incident is None:
        raise Conflict("The rule has no open incident to acknowledge.", code="NO_OPEN_INCIDENT")
    if incident.acknowledged_at is None:
        incident.acknowledged_at, incident.acknowledged_by = now, actor.name[:254]
        incident.save(update_fields=["acknowledged_at", "acknowledged_by"])
        rule.is_acknowledged = True
        rule.save(update_fields=["is_acknowledged"])
        record_change(rule, "acknowledge", actor, now, after={"incidentId": str(incident.pk)})
    return incident


def add_default_rules(tenant: Tenant, now: datetime) -> None:
    """Give a new tenant the four rules that watch its decisions; they tell nobody until somebody adds a channel."""
    AlertRule.objects.bulk_create(
        AlertRule(
            id=new_id(), tenant=tenant, name=name, metric=metric, operator="gte", threshold=threshold,
            window_minutes=60, channels=[], no_data_policy=NoDataPolicy.OK, created_at=now, updated_at=now,
            status=_fresh_status(metric),
        )
        for name, metric, threshold in DEFAULT_RULES
    )  # fmt: skip


DEFAULT_RULES = (
    ("High suppression", "suppression_rate", 0.8),
    ("Empty candidate lists", "empty_candidate_rate", 0.3),
    ("Degraded scoring", "degraded_scoring_rate", 0.1),
    ("Server errors (5xx)", "error_rate", 0.05),
)


def _fresh_status(metric: str) -> Status:
    return Status.OK if find_metric(metric) else Status.UNSUPPORTED_METRIC


def _locked(tenant: Tenant, rule_id: uuid.UUID) -> AlertRule:
    rule = AlertRule.objects.for_tenant(tenant).select_for_update().filter(pk=rule_id).first()
    if rule is None:
        raise NotFound(NOT_FOUND)
    return rule


def _stand_down(rule: AlertRule, now: datetime) -> set[str]:
    """Forget the state of a rule that is switched off; nobody asked whether its breach is over, so nobody is told."""
    Incident.objects.for_tenant(rule.tenant_id).filter(rule=rule, closed_at=None).update(
        closed_at=now, close_reason=CloseReason.DISABLED
    )
    settle_health(rule, now)
    rule.status, rule.pending_since, rule.open_incident_id = Status.OK, None, None
    rule.incident_number, rule.is_acknowledged, rule.severity = 0, False, ""
    return {"status", "severity", "pending_since", "open_incident_id", "incident_number", "is_acknowledged"}
