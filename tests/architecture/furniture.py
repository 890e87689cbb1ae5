"""One of everything for a tenant: what the walks over all routes ask for."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils.text import slugify

from alerts.models import AlertRule
from alerts.services import create_rule, run_tick
from flows.models import Connector, DataSchema, Pipeline, PipelineRun, PipelineVersion, RunError, RunLogLine
from flows.services import create_connector, create_pipeline, create_schema, run_pipeline_now
from interactions.models import Channel, Creative, DecisionTrace, Interaction, Offer, OutcomeType
from kaireon.platform.budget import Budget
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.health.services import raise_alert
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.services import create_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import ApiKey, Membership, Tenant
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key
from outbox.models import DeadLetter, OutboxEvent
from reports.models import ReportArtifact, ReportRun, ReportSchedule, ReportTemplate
from reports.services import create_report, run_template
from triggers.models import FileTrigger, Occurrence, PipelineSchedule, TriggerSecret
from triggers.services.secrets import create_secret

# In every name of this tenant's things, so that it is found wherever it should not be.
MARK = "Zanzibar"


def furnish(tenant: Tenant, now: datetime, mark: str = MARK) -> dict[str, str]:
    """Make one of everything for the tenant and return the ids by kind; a rule fires and its mail is delivered."""
    key, _ = create_api_key(tenant=tenant, name=f"{mark} key", role=Role.VIEWER, actor=SYSTEM, now=now)
    word = slugify(mark)
    destination = create_destination(
        tenant_id=tenant.pk, kind="ops_email", name=f"{mark} mail", enabled=True, actor=SYSTEM, now=now,
        config={"fromEmail": f"{word}@example.com", "recipients": [f"{word}-team@example.com"]},
    )  # fmt: skip
    rule = _fire(tenant, str(destination.pk), now, mark)
    health = raise_alert(
        tenant_id=tenant.pk, severity="warning", source="system", title=f"{mark} is slow", fan_out=False, now=now
    )
    delivery = Delivery.objects.for_tenant(tenant).order_by("created_at").first()
    assert delivery is not None, "the rule has fired and told its destination"
    return {
        "key": str(key.pk), "destination": str(destination.pk), "rule": str(rule.pk), "delivery": str(delivery.pk),
        "health": str(health), **_history(tenant, now, mark), **_events(tenant, now, mark),
        **_reports(tenant, str(destination.pk), now, mark), **_flows(tenant, now, mark),
    }  # fmt: skip


def _fire(tenant: Tenant, destination: str, now: datetime, mark: str) -> AlertRule:
    values = {"name": f"{mark} rule", "metric": "decision_count", "operator": "gt", "threshold": 0.5}
    rule = create_rule(
        tenant=tenant, values={**values, "window_minutes": 60, "channels": [destination]}, actor=SYSTEM, now=now
    )
    DecisionTrace.objects.create(
        tenant=tenant, idempotency_key=f"{mark}-trace", customer_id=f"{mark} customer",
        occurred_at=now - timedelta(minutes=1),
        after_qualification=10, after_contact_policy=10, final_count=3, selected_count=1, total_latency_ms=20.0,
    )  # fmt: skip
    run_tick(now=now, budget=Budget(20), tenant_id=tenant.pk)
    return rule


def _reports(tenant: Tenant, destination: str, now: datetime, mark: str) -> dict[str, str]:
    name = f"{mark} report"
    template, schedule = create_report(
        tenant=tenant, actor=SYSTEM, now=now,
        schedule={"name": name, "destination_ids": [uuid.UUID(destination)], "cron_expression": "0 8 * * *"},
        template={
            "name": name, "description": f"{mark} in figures", "formats": ["csv"],
            "data_sources": [{"sourceKey": "revenue_trend", "params": {"days": 7}}],
        },
    )  # fmt: skip
    # Its run goes to nobody, so that the one delivery stays the rule's.
    run = run_template(tenant=tenant, template_id=template.pk, actor=SYSTEM, triggered_by="manual", now=now)
    return {"template": str(template.pk), "schedule": str(schedule.pk), "run": str(run.pk)}


def _flows(tenant: Tenant, now: datetime, mark: str) -> dict[str, str]:
    name = f"{mark} pipeline"
    by: dict[str, Any] = {"tenant": tenant, "actor": SYSTEM, "now": now}
    connector = create_connector(values={"name": f"{mark} folder", "type": "local_fs", "config": {}}, **by)
    table = f"t_{slugify(mark).replace('-', '_')}"[:60].rstrip("_")
    schema = create_schema(
        values={"name": table, "display_name": f"{mark} rows", "fields": [{"name": "code"}, {"name": "note"}]}, **by
    )
    ir = flow_ir(f"{mark} flow", f"public.ds_{table}") | {"schedule": {"kind": "cron", "expression": "0 3 * * *"}}
    pipeline = create_pipeline(
        values={"name": name, "connector_id": connector.pk, "data_schema_id": schema.pk, "ir": ir}, **by
    )
    run = run_pipeline_now(pipeline_id=pipeline.pk, **by)
    secret = create_secret(pipeline_id=pipeline.pk, name=f"{mark} producer", **by)
    occurrence = Occurrence.objects.create(
        tenant=tenant, pipeline_id=pipeline.pk, kind="schedule", key=now.isoformat(), occurrence_at=now,
        outcome="missed", reason=f"{mark} was asleep.", decided_at=now,
    )  # fmt: skip
    RunError.objects.create(tenant=tenant, run=run, node_id="src", row=2, value=mark, error=f"{mark} is no number.")
    RunLogLine.objects.create(tenant=tenant, run=run, at=now, stage="queued", message=f"{mark} waits.")
    return {
        "connector": str(connector.pk), "dataschema": str(schema.pk), "pipeline": str(pipeline.pk),
        "pipelinerun": str(run.pk), "triggersecret": str(secret.row.pk),
        "occurrence": str(occurrence.pk),
    }  # fmt: skip


def flow_ir(name: str, table: str) -> dict[str, Any]:
    """Return an IR that reads every CSV of a folder into a table."""
    config = {"path": "inbox/", "pattern": {"type": "glob", "value": "*.csv"}, "format": "csv"}
    return {
        "kind": "pipeline", "version": "1.0", "id": "flow", "metadata": {"name": name},
        "nodes": [
            {"id": "src", "kind": "source", "connector": "local_fs", "config": config},
            {"id": "load", "kind": "target", "input": "src", "schema": table, "loadMode": "append"},
        ],
        "errorHandling": {"dlq": {"enabled": True}, "retry": {"maxAttempts": 1, "backoff": "exponential"}},
    }  # fmt: skip


def _events(tenant: Tenant, now: datetime, mark: str) -> dict[str, str]:
    carried = {"tenant": tenant, "key": f"{mark} customer", "payload": {"customerId": mark}, "occurred_at": now}
    event = OutboxEvent.objects.create(
        **carried, topic="interaction.recorded.v1", is_held=True, attempts=2, next_attempt_at=now + timedelta(hours=1),
        last_error=f"{mark} is not there.",
    )  # fmt: skip
    letter = DeadLetter.objects.create(
        **carried, topic="outcome.recorded", reason="exhausted", error=f"{mark} is not there.", retry_count=10,
        failed_at=now,
    )  # fmt: skip
    return {"event": str(event.pk), "letter": str(letter.pk)}


def _history(tenant: Tenant, now: datetime, mark: str) -> dict[str, str]:
    offer = Offer.objects.create(tenant=tenant, key=f"{mark} offer", name=f"{mark} offer", category=f"{mark} goods")
    channel = Channel.objects.create(tenant=tenant, key=f"{mark} channel", name=f"{mark} channel")
    creative = Creative.objects.create(
        tenant=tenant, key=f"{mark} creative", name=f"{mark} creative", offer=offer, channel=channel
    )
    outcome, _ = OutcomeType.objects.for_tenant(tenant).get_or_create(
        tenant=tenant,
        key=slugify(mark),
        defaults={"name": f"{mark} outcome", "classification": "positive", "category": "response"},
    )
    interaction = Interaction.objects.create(
        tenant=tenant, idempotency_key=f"{mark}-1", customer_id=f"{mark} customer", outcome="impression",
        classification="neutral", category="impression", direction="outbound", occurred_at=now,
    )  # fmt: skip
    trace = DecisionTrace.objects.for_tenant(tenant).latest("created_at")
    membership = Membership.objects.filter(tenant=tenant).order_by("created_at").first()
    return {
        "offer": str(offer.pk), "channel": str(channel.pk), "creative": str(creative.pk),
        "outcometype": str(outcome.pk), "interaction": str(interaction.pk), "decisiontrace": str(trace.pk),
        "membership": str(membership.pk) if membership else "",
    }  # fmt: skip


def snapshot(tenant: Tenant) -> dict[str, list[Any]]:
    """Return what a stranger must not have changed, of this tenant."""
    models: list[Any] = [ApiKey, AlertRule, Delivery, Destination, SystemHealthAlert, Offer, Channel, Creative]
    models += [OutboxEvent, DeadLetter, ReportTemplate, ReportSchedule, ReportRun, ReportArtifact]
    models += [Connector, DataSchema, Pipeline, PipelineVersion, PipelineRun]
    models += [TriggerSecret, Occurrence, PipelineSchedule, FileTrigger]
    rows = {model.__name__: list(model.objects.for_tenant(tenant).order_by("pk").values()) for model in models}
    return {**rows, "Membership": list(Membership.objects.filter(tenant=tenant).order_by("pk").values())}
