"""Turn transitions into rows of the delivery ledger, in the transaction that decided them."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from alerts.decisions import Told, TransitionKind, compose, dedupe_key
from alerts.models import Transition
from alerts.services.evaluated import Evaluated
from kaireon.platform.notifications.decisions import ARRIVED_STATES, OPEN_STATES, DeliveryRequest, State
from kaireon.platform.notifications.selectors import delivery_standings
from kaireon.platform.notifications.services import open_deliveries

Targets = dict[uuid.UUID, uuid.UUID | None]


def open_messages(telling: Sequence[Evaluated], now: datetime) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Open the deliveries of firings and resolve notices; return the delivery ids by rule.

    A firing goes to the rule's destinations. A resolve notice goes only to those that got a firing of this incident,
    and waits for one that is still on its way.
    """
    told_before = _told_of([item.incident_id for item in telling if item.decision.resolves and item.incident_id])
    requests: list[DeliveryRequest] = []
    owners: dict[str, uuid.UUID] = {}
    for item in telling:
        assert item.incident_id is not None
        targets: Targets = dict.fromkeys(item.rule.provider_ids)
        if item.decision.resolves:
            targets = told_before[item.incident_id]
        for request in _requests(item, item.incident_id, targets, now):
            owners[request.dedupe_key] = item.rule.id
            requests.append(request)
    ids: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for delivery in open_deliveries(requests, now) if requests else ():
        ids[owners[delivery.dedupe_key]].append(delivery.id)
    return ids


def _requests(item: Evaluated, incident_id: uuid.UUID, targets: Targets, now: datetime) -> list[DeliveryRequest]:
    kind = TransitionKind.FIRED if item.decision.fires else TransitionKind.RESOLVED
    rule, number = item.rule, item.decision.number
    told = Told(
        kind=kind, number=number, rule_id=rule.id, incident_id=incident_id, name=rule.name, metric=rule.metric,
        operator=rule.snapshot.operator, threshold=rule.snapshot.threshold, window_minutes=rule.window_minutes,
        observed=item.reading.observed, baseline=item.reading.baseline, severity=item.decision.severity, at=now,
    )  # fmt: skip
    message = compose(told, settings.PUBLIC_URL)
    return [
        DeliveryRequest(
            tenant_id=rule.tenant_id, provider_id=provider_id, message=message, depends_on=depends_on,
            dedupe_key=dedupe_key(incident_id, number, kind, provider_id),
        )
        for provider_id, depends_on in targets.items()
    ]  # fmt: skip


def _told_of(incident_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Targets]:
    """Return, by incident, the destinations that a firing reached or may yet reach, and what to wait for."""
    found: dict[uuid.UUID, Targets] = defaultdict(dict)
    if not incident_ids:
        return found
    firings = Transition.objects.across_tenants().filter(incident_id__in=incident_ids, kind=TransitionKind.FIRED)
    rows = list(firings.order_by("number").values_list("incident_id", "delivery_ids"))
    standings = delivery_standings([delivery_id for _, ids in rows for delivery_id in ids])
    for incident_id, ids in rows:
        for delivery_id in ids:
            standing = standings.get(delivery_id)
            if standing is None:
                continue
            if standing.state in OPEN_STATES or standing.state is State.DIGESTED:
                found[incident_id][standing.provider_id] = standing.waits_for
            elif standing.state in ARRIVED_STATES:
                found[incident_id].setdefault(standing.provider_id, None)
    return found
