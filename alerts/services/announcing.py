"""Tell the house what rules did: the system-health list and the audit log, in the transaction that decided it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.decisions import Severity, describe_condition, format_number
from alerts.models import AlertRule
from alerts.services.evaluated import Evaluated
from kaireon.platform.audit.services import Entry, record, record_many
from kaireon.platform.health.decisions import Severity as HealthSeverity
from kaireon.platform.health.decisions import Source
from kaireon.platform.health.services import HealthAlert, raise_many, resolve_many
from kaireon.platform.tenancy.actors import SYSTEM, Actor

ENTITY_TYPE = "alert_rule"
_HEALTH = {
    Severity.INFO: HealthSeverity.INFO,
    Severity.WARNING: HealthSeverity.WARNING,
    Severity.CRITICAL: HealthSeverity.CRITICAL,
}


def announce(evaluated: Sequence[Evaluated], now: datetime) -> None:
    """Raise system health for what fired, resolve it for what closed, and audit both: statements for all at once.

    The alert does not fan out: the rule's own destinations have been told.
    """
    raised = [_health_alert(item) for item in evaluated if item.decision.fires]
    if raised:
        raise_many(raised, now=now)
    closed = [(item.rule.tenant_id, health_key(item.rule.id)) for item in evaluated if item.decision.closes]
    if closed:
        resolve_many(closed, now=now)
    # The audit's locks are the last ones taken; see record_many.
    entries = [_entry(item) for item in evaluated if item.decision.fires or item.decision.resolves]
    record_many(entries, now=now)


def record_change(
    rule: AlertRule, action: str, actor: Actor, now: datetime, *,
    before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Audit what a person did to a rule."""
    record(
        tenant_id=rule.tenant_id, actor=actor, action=action, entity_type=ENTITY_TYPE, entity_id=str(rule.pk),
        entity_name=rule.name, before=before, after=after, now=now,
    )  # fmt: skip


def settle_health(rule: AlertRule, now: datetime) -> None:
    """Resolve the rule's system-health alert, if one is open."""
    resolve_many([(rule.tenant_id, health_key(rule.pk))], now=now)


def rule_state(rule: AlertRule) -> dict[str, Any]:
    """Return a rule's settings as the audit log keeps them: destinations by id, for a legacy target is a credential."""
    return {
        "name": rule.name,
        "metric": rule.metric,
        "operator": rule.operator,
        "threshold": rule.threshold,
        "windowMinutes": rule.window_minutes,
        "destinations": [str(provider_id) for provider_id in rule.provider_ids],
        "cooldownMinutes": rule.cooldown_minutes,
        "enabled": rule.enabled,
        "pendingMinutes": rule.pending_minutes,
        "noDataPolicy": rule.no_data_policy,
        "notifyResolved": rule.notify_resolved,
    }


def health_key(rule_id: object) -> str:
    """Return the key under which a rule's breach stands in system health."""
    return f"alert:{rule_id}"


def _health_alert(item: Evaluated) -> HealthAlert:
    rule, observed = item.rule, item.reading.observed
    condition = describe_condition(
        rule.metric, rule.snapshot.operator, rule.snapshot.threshold, rule.window_minutes
    )  # fmt: skip
    value = "There is no data" if observed is None else f"{rule.metric} is {format_number(observed)}"
    return HealthAlert(
        tenant_id=rule.tenant_id, severity=_HEALTH[item.decision.severity or Severity.INFO], source=Source.ALERTS,
        title=f"Alert rule fired: {rule.name}", message=f"{value}; the rule fires on {condition}.",
        link=f"/settings/alerts/{rule.id}", dedupe_key=health_key(rule.id), fan_out=False,
        metadata={"ruleId": str(rule.id), "incidentId": str(item.incident_id), "number": item.decision.number},
    )  # fmt: skip


def _entry(item: Evaluated) -> Entry:
    rule, decision = item.rule, item.decision
    after = {
        "incidentId": str(item.incident_id),
        "number": decision.number,
        "observed": item.reading.observed,
        "threshold": rule.snapshot.threshold,
        "severity": decision.severity,
    }
    action = "alert_fired" if decision.fires else "alert_resolved"
    return Entry(rule.tenant_id, SYSTEM, action, ENTITY_TYPE, str(rule.id), rule.name, after=after)
