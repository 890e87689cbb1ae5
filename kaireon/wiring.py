"""The one list of plug-ins: who registers what with whom. Consumers own the registries; only this module knows both."""

import uuid
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from alerts.selectors import count_rules
from alerts.services import add_default_rules
from flows.executors import CELERY
from flows.metrics import register_metrics as register_flow_metrics
from flows.selectors import count_pipelines
from flows.services.following import (
    check_versions_with,
    follow_connectors,
    follow_pipelines,
    warn_of_versions_with,
)
from interactions.metrics import register
from interactions.services import seed_outcome_types
from kaireon.outbox_gauges import OUTBOX_METRICS
from kaireon.platform.health.services import raise_alert, resolve
from kaireon.platform.notifications.selectors import count_in_cap_window
from kaireon.platform.notifications.services import (
    DestinationChange,
    keep_artifacts_with,
    on_destination_broken,
    on_destination_recovered,
)
from kaireon.platform.tenancy.guardrails import count_usage_with
from kaireon.platform.tenancy.services import on_tenant_created
from kaireon.report_sources import REPORT_SOURCES
from outbox.metrics import register_metrics
from reports.metrics import register_metrics as register_report_metrics
from reports.selectors import count_schedules
from reports.services import NarrationLedger, RunArtifacts
from reports.sources import register as register_source
from triggers.services.mirroring import mirror_pipeline
from triggers.services.mirroring_files import mirror_connector
from triggers.services.overlaps import check_masks, warn_of_masks


def connect() -> None:
    """Register every plug-in; called once when Django has loaded all models. Registering twice changes nothing."""
    on_tenant_created(seed_outcome_types)
    on_tenant_created(add_default_rules)
    count_usage_with("max_alert_rules", count_rules)
    count_usage_with("max_report_schedules", count_schedules)
    count_usage_with("max_pipelines", count_pipelines)
    count_usage_with("notifications_per_hour", _messages_of_the_last_hour)
    count_usage_with("llm_daily_tokens", _tokens_of_today)
    count_usage_with("llm_monthly_usd", _dollars_of_this_month)
    on_destination_broken(_tell_broken)
    on_destination_recovered(_tell_recovered)
    keep_artifacts_with(RunArtifacts())
    follow_pipelines(mirror_pipeline)
    follow_connectors(mirror_connector)
    check_versions_with(check_masks)
    warn_of_versions_with(warn_of_masks)
    register_metrics()
    register_report_metrics()
    register_flow_metrics()
    if settings.RUN_EXECUTOR == CELERY:
        # Nobody who does without Celery loads it.
        import_string("flows.executors.celery.app")
    for metric in OUTBOX_METRICS:
        register(metric)
    for source in REPORT_SOURCES:
        register_source(source)


def _messages_of_the_last_hour(tenant_id: uuid.UUID) -> int:
    return count_in_cap_window([tenant_id], timezone.now()).get(tenant_id, 0)


def _tokens_of_today(tenant_id: uuid.UUID) -> int:
    return NarrationLedger(tenant_id).used(timezone.now()).tokens_today


def _dollars_of_this_month(tenant_id: uuid.UUID) -> float:
    return float(NarrationLedger(tenant_id).used(timezone.now()).usd_this_month)


def _tell_broken(change: DestinationChange, now: datetime) -> None:
    """Open a system-health alert; it goes to the tenant's other destinations, never to the broken one."""
    raise_alert(
        tenant_id=change.tenant_id,
        severity="error",
        source="system",
        title=f"Destination {change.name} is broken",
        message=f"{change.reason} Messages to it fail until a Test succeeds or its settings change.",
        link="/settings/integrations",
        metadata={"destinationId": str(change.destination_id), "kind": change.kind},
        dedupe_key=_broken_key(change),
        now=now,
    )


def _tell_recovered(change: DestinationChange, now: datetime) -> None:
    resolve(tenant_id=change.tenant_id, dedupe_key=_broken_key(change), now=now)


def _broken_key(change: DestinationChange) -> str:
    return f"destination-broken:{change.destination_id}"
