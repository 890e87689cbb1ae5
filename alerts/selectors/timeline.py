"""The timeline of a rule: one line per evaluation, in words, with what became of its messages."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.decisions import Explained, Operator, Reason, Severity, Status, explain, hint_for
from alerts.models import AlertRule, Evaluation, Incident, Transition
from alerts.selectors.deliveries import DeliveryLine, deliveries_by_transition
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet

# Longer than the slowest recommended cadence of a short window; beyond it the silence itself needs a line.
GAP = timedelta(minutes=70)
TELLING = (Reason.FIRED, Reason.RESOLVED)


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One evaluation: what was seen, what it did, and why; `text` says it in a sentence, `hint` what can be done."""

    id: uuid.UUID
    at: datetime
    status: Status
    reason: Reason
    text: str
    hint: str
    observed: float | None
    baseline: float | None
    threshold: float
    severity: Severity | None
    until: datetime | None
    incident_id: uuid.UUID | None
    number: int
    deliveries: list[DeliveryLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TimelineFold:
    """Lines in a row with the same reason, newest first; a fold without a line is a gap in which no tick ran."""

    line: TimelineLine | None
    first_at: datetime
    last_at: datetime
    count: int


def timeline_of(tenant: Tenant, rule: AlertRule) -> TenantQuerySet[Evaluation]:
    """Return the rule's evaluations; the caller orders and pages them by `at`."""
    rows: TenantQuerySet[Evaluation] = Evaluation.objects.for_tenant(tenant).filter(rule=rule)
    return rows


def timeline_lines(rows: Sequence[Evaluation]) -> list[TimelineLine]:
    """Return evaluations of one tenant in words, with the deliveries of those that told somebody; two queries."""
    telling = [row for row in rows if row.reason in TELLING]
    by_instant: dict[tuple[uuid.UUID, datetime], list[DeliveryLine]] = {}
    if telling:
        made = list(
            Transition.objects.for_tenant(telling[0].tenant_id).filter(
                rule_id__in={row.rule_id for row in telling}, at__in={row.at for row in telling}
            )
        )
        deliveries = deliveries_by_transition((row.pk, row.delivery_ids) for row in made)
        by_instant = {(row.rule_id, row.at): deliveries[row.pk] for row in made}
    return [_line(row, by_instant.get((row.rule_id, row.at), [])) for row in rows]


def _line(row: Evaluation, deliveries: list[DeliveryLine]) -> TimelineLine:
    reason, severity = Reason(row.reason), Severity(row.severity) if row.severity else None
    text = explain(
        Explained(reason, Operator(row.operator), row.threshold, row.observed, severity, row.until, row.number)
    )  # fmt: skip
    return TimelineLine(
        id=row.pk, at=row.at, status=Status(row.status), reason=reason, text=text, hint=hint_for(reason),
        observed=row.observed, baseline=row.baseline, threshold=row.threshold, severity=severity, until=row.until,
        incident_id=row.incident_id, number=row.number, deliveries=deliveries,
    )  # fmt: skip


def fold_timeline(lines: Iterable[TimelineLine]) -> list[TimelineFold]:
    """Fold lines in a row with the same reason into one, newest first, and put a gap where no tick ran for long."""
    folds: list[TimelineFold] = []
    for line in lines:
        last = folds[-1] if folds else None
        if last is not None and last.first_at - line.at > GAP:
            folds.append(TimelineFold(None, line.at, last.first_at, 0))
            last = None
        if last is not None and last.line is not None and last.line.reason is line.reason not in TELLING:
            folds[-1] = TimelineFold(last.line, line.at, last.last_at, last.count + 1)
        else:
            folds.append(TimelineFold(line, line.at, line.at, 1))
    return folds


def incidents_of(tenant: Tenant, rule: AlertRule, limit: int = 20) -> list[Incident]:
    """Return the rule's newest incidents."""
    return list(Incident.objects.for_tenant(tenant).filter(rule=rule).order_by("-opened_at", "-id")[:limit])


def transitions_of(tenant: Tenant, rule: AlertRule, limit: int = 20) -> list[tuple[Transition, list[DeliveryLine]]]:
    """Return the rule's newest transitions, each with its deliveries; two queries."""
    rows = list(Transition.objects.for_tenant(tenant).filter(rule=rule).order_by("-at", "-number")[:limit])
    deliveries = deliveries_by_transition((row.pk, row.delivery_ids) for row in rows)
    return [(row, deliveries[row.pk]) for row in rows]
