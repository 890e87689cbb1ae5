"""`POST /api/cron/tick`: the one door through which alerts and reports are driven by a clock."""

import logging
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from time import monotonic
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alerts.decisions import Severity, Status
from alerts.services import AlertTick, TickEntry, in_one_line, run_tick
from kaireon.platform.budget import Budget
from kaireon.platform.cron_secrets import is_cron_secret
from kaireon.platform.errors import Unauthenticated
from kaireon.platform.fields import format_time
from kaireon.platform.tenancy.models import Tenant
from reports.services import ReportTick
from reports.services import run_tick as run_report_tick

logger = logging.getLogger(__name__)

ALERTS: Final = "alerts"
REPORTS: Final = "reports"
SUBSYSTEMS: Final = (ALERTS, REPORTS)
# However much alerts have to do, reports that are due get to be queued.
ALERTS_SHARE: Final = 0.75
Answer = dict[str, Any]


def tick(
    *, now: datetime, budget: Budget, request_id: str, tenant_id: uuid.UUID | None = None,
    only: Collection[str] = SUBSYSTEMS,
) -> Answer:  # fmt: skip
    """Run the subsystems once and return the documented answer; a subsystem that fails is listed under `errors`.

    Idempotent: a tick that is retried, or runs beside another one, delivers nothing twice.
    """
    started = monotonic()
    answer = _empty_answer(now, request_id)
    answer["tenants"] = Tenant.objects.count() if tenant_id is None else 1
    if ALERTS in only:
        with _apart(ALERTS, answer, request_id):
            alerts_budget = Budget(budget.remaining() * ALERTS_SHARE) if REPORTS in only else budget
            _add_alerts(answer, run_tick(now=now, budget=alerts_budget, tenant_id=tenant_id), request_id)
    if REPORTS in only:
        with _apart(REPORTS, answer, request_id):
            _add_reports(answer, run_report_tick(now=now, budget=budget, tenant_id=tenant_id), request_id)
    answer["durationMs"] = round((monotonic() - started) * 1000)
    logger.info("tick", extra={"event": "tick", **{key: answer[key] for key in _LOGGED}})
    return answer


_LOGGED: Final = (
    "durationMs", "tenants", "alertsEvaluated", "alertsFired", "alertsInCooldown", "reportsEvaluated", "reportsRan",
    "remaining",
)  # fmt: skip


@contextmanager
def _apart(subsystem: str, answer: Answer, request_id: str) -> Iterator[None]:
    """Let a subsystem's failure stop no other's: it is listed, unless it is the database itself that is gone."""
    try:
        yield
    except Exception as error:
        if not connection.is_usable():
            raise
        logger.exception("tick failed", extra={"event": "tick.failed", "subsystem": subsystem})
        answer["errors"].append(_error(None, subsystem, in_one_line(error), request_id))


def _empty_answer(now: datetime, request_id: str) -> Answer:
    return {
        "tickAt": format_time(now),
        "requestId": request_id,
        "durationMs": 0,
        "tenants": 0,
        "alertsEvaluated": 0,
        "alertsFired": 0,
        "alertsInCooldown": 0,
        "alerts": [],
        "reportsEvaluated": 0,
        "reportsRan": 0,
        "reportErrors": [],
        "errors": [],
        "remaining": 0,
    }


def _add_alerts(answer: Answer, result: AlertTick, request_id: str) -> None:
    answer["alertsEvaluated"] = result.evaluated
    answer["alertsFired"] = result.fired
    answer["alertsInCooldown"] = result.in_cooldown
    answer["alerts"] = [_entry(entry) for entry in result.entries]
    answer["errors"] += [_error(error.tenant_id, ALERTS, error.error, request_id) for error in result.errors]
    answer["remaining"] += result.remaining


def _add_reports(answer: Answer, result: ReportTick, request_id: str) -> None:
    answer["reportsEvaluated"] = result.evaluated
    answer["reportsRan"] = result.ran
    answer["reportErrors"] = [
        {"tenantId": str(each.tenant_id), "scheduleId": str(each.schedule_id), "error": each.error}
        for each in result.errors
    ]
    answer["errors"] += [_error(each.tenant_id, REPORTS, each.error, request_id) for each in result.failures]
    answer["remaining"] += result.remaining


def _entry(entry: TickEntry) -> Answer:
    return {
        "tenantId": str(entry.tenant_id),
        "ruleId": str(entry.rule_id),
        "name": entry.name,
        "status": entry.status,
        "observed": entry.observed,
        "threshold": entry.threshold,
        "severity": entry.severity,
        "deliveries": [
            {
                "providerId": str(line.provider_id),
                "kind": line.kind,
                "status": line.state,
                "error": line.error or None,
            }
            for line in entry.deliveries
        ],
    }


def _error(tenant_id: uuid.UUID | None, subsystem: str, text: str, request_id: str) -> Answer:
    return {
        "tenantId": tenant_id and str(tenant_id),
        "subsystem": subsystem,
        "error": text,
        "requestId": request_id,
    }


class CronTokenPermission(BasePermission):
    """Let in whoever sends a token of CRON_TOKEN as `x-cron-token`; with none configured, nobody (401)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check the header in constant time."""
        if not is_cron_secret(request.headers.get("X-Cron-Token", ""), settings.CRON_TOKEN):
            raise Unauthenticated("The header x-cron-token is missing or is not a configured CRON_TOKEN.")
        return True


class TickDeliveryShape(serializers.Serializer[Any]):
    """One destination of a firing."""

    providerId = serializers.UUIDField()  # noqa: N815
    kind = serializers.CharField()
    status = serializers.CharField()
    error = serializers.CharField(allow_null=True)


class TickAlertShape(serializers.Serializer[Any]):
    """A rule that is not simply well."""

    tenantId = serializers.UUIDField()  # noqa: N815
    ruleId = serializers.UUIDField()  # noqa: N815
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=[(status.value, status.value) for status in Status])
    observed = serializers.FloatField(allow_null=True)
    threshold = serializers.FloatField()
    severity = serializers.ChoiceField(choices=[(each.value, each.value) for each in Severity], allow_null=True)
    deliveries = TickDeliveryShape(many=True)


class TickErrorShape(serializers.Serializer[Any]):
    """What failed, and under which request id its trace is logged."""

    tenantId = serializers.UUIDField(allow_null=True)  # noqa: N815
    subsystem = serializers.ChoiceField(choices=["alerts", "reports"])
    error = serializers.CharField()
    requestId = serializers.CharField()  # noqa: N815


class ReportErrorShape(serializers.Serializer[Any]):
    """A schedule whose run failed."""

    tenantId = serializers.UUIDField()  # noqa: N815
    scheduleId = serializers.UUIDField()  # noqa: N815
    error = serializers.CharField()


class TickShape(serializers.Serializer[Any]):
    """What a tick did."""

    tickAt = serializers.DateTimeField()  # noqa: N815
    requestId = serializers.CharField()  # noqa: N815
    durationMs = serializers.IntegerField()  # noqa: N815
    tenants = serializers.IntegerField()
    alertsEvaluated = serializers.IntegerField()  # noqa: N815
    alertsFired = serializers.IntegerField()  # noqa: N815
    alertsInCooldown = serializers.IntegerField()  # noqa: N815
    alerts = TickAlertShape(many=True)
    reportsEvaluated = serializers.IntegerField()  # noqa: N815
    reportsRan = serializers.IntegerField()  # noqa: N815
    reportErrors = ReportErrorShape(many=True)  # noqa: N815
    errors = TickErrorShape(many=True)  # type: ignore[assignment]  # DRF moves fields off the class
    remaining = serializers.IntegerField()


class CronTickView(APIView):
    """The tick over HTTP, for EventBridge, cron(8) and curl."""

    authentication_classes = ()
    permission_classes = (CronTokenPermission,)
    throttle_classes = ()

    @extend_schema(
        request=None,
        responses={200: TickShape},
        parameters=[OpenApiParameter("x-cron-token", str, OpenApiParameter.HEADER, required=True)],
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Evaluate alert rules and run report schedules of every tenant; safe to retry."""
        request_id = getattr(request._request, "request_id", "")
        return Response(
            tick(now=timezone.now(), budget=Budget(settings.CRON_TICK_BUDGET_SECONDS), request_id=request_id)
        )
