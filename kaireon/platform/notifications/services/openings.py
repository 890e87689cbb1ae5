"""Open deliveries: one row for each message and destination, in the caller's transaction, before anything is sent."""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kaireon.platform.ids import new_id
from kaireon.platform.notifications.decisions import (
    FIRING_NEVER_ARRIVED,
    OPEN_STATES,
    TEST_EVENT,
    DeliveryRequest,
    DestinationSnapshot,
    DestinationState,
    Opening,
    State,
    decide_opening,
    digest_of,
    storming,
)
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.selectors import count_in_cap_window, delivery_standings
from kaireon.platform.tenancy.guardrails import guardrails_of
from kaireon.platform.tenancy.models import Tenant


@dataclass(slots=True)
class _Ground:
    """What the decisions of one batch need to know, read once for all of it."""

    destinations: dict[tuple[uuid.UUID, uuid.UUID], Destination]
    dependencies: dict[uuid.UUID, State]
    caps: dict[uuid.UUID, int]
    sent: dict[uuid.UUID, int]
    now: datetime

    def opening_of(self, request: DeliveryRequest) -> Opening:
        """Decide how a delivery starts, and count it against the tenant's cap if it will be sent."""
        destination = self.destinations.get((request.tenant_id, request.provider_id))
        opening = decide_opening(
            _snapshot(destination) if destination else None,
            is_test=request.message.event_type == TEST_EVENT,
            sent_this_hour=self.sent[request.tenant_id],
            cap=self.caps.get(request.tenant_id, 0),
        )
        if opening.state is State.PENDING:
            if self._is_orphan(request):
                return Opening(State.FAILED, FIRING_NEVER_ARRIVED)
            self.sent[request.tenant_id] += 1
        return opening

    def may_fold(self, request: DeliveryRequest) -> bool:
        """Tell whether a request may go into a digest: what still waits for another delivery keeps its own row."""
        return request.depends_on is None or self.dependencies.get(request.depends_on) not in OPEN_STATES | {
            State.DIGESTED
        }

    def row(self, request: DeliveryRequest, opening: Opening, *, digest: Delivery | None = None) -> Delivery:
        """Return the delivery's row."""
        destination = self.destinations.get((request.tenant_id, request.provider_id))
        is_over = opening.state is not State.PENDING
        return Delivery(
            id=new_id(), tenant_id=request.tenant_id, provider_id=request.provider_id,
            provider_kind=destination.kind if destination else "",
            provider_name=destination.name if destination else "",
            event_type=request.message.event_type, subject=request.message.subject, message=request.message.to_json(),
            dedupe_key=request.dedupe_key, state=opening.state, error=opening.reason, digest=digest,
            depends_on_id=request.depends_on, next_attempt_at=None if is_over else self.now, created_at=self.now,
            finished_at=self.now if is_over else None,
        )  # fmt: skip

    def _is_orphan(self, request: DeliveryRequest) -> bool:
        return request.depends_on is not None and self.dependencies.get(request.depends_on) in {
            State.FAILED,
            State.CAPPED,
        }


def open_deliveries(requests: Sequence[DeliveryRequest], now: datetime) -> list[Delivery]:
    """Write one row for each request, in the caller's transaction, and return them in the order of the requests.

    A dedupe key that is there already gives its row, whatever became of it: a retried tick opens nothing twice.
    An unknown, disabled or broken destination ends `failed` at once, a message over the tenant's cap `capped`. More
    than STORM_LIMIT messages of one call for one destination become one digest; each is `digested` and names it.
    """
    known = set(_rows_by_key(requests))
    fresh = list({request.dedupe_key: request for request in requests if request.dedupe_key not in known}.values())
    if fresh:
        ground = _survey(fresh, now)
        Delivery.objects.bulk_create(_rows_of(fresh, ground), ignore_conflicts=True)
    rows = _rows_by_key(requests)
    return [rows[request.dedupe_key] for request in requests]


def _rows_by_key(requests: Sequence[DeliveryRequest]) -> dict[str, Delivery]:
    keys = [request.dedupe_key for request in requests]
    return {row.dedupe_key: row for row in Delivery.objects.across_tenants().filter(dedupe_key__in=keys)}


def _rows_of(requests: Sequence[DeliveryRequest], ground: _Ground) -> list[Delivery]:
    foldable = [request for request in requests if ground.may_fold(request)]
    stormed = storming([request.provider_id for request in foldable])
    folded: dict[uuid.UUID, list[DeliveryRequest]] = defaultdict(list)
    for request in foldable:
        if request.provider_id in stormed:
            folded[request.provider_id].append(request)
    in_digests = {id(request) for group in folded.values() for request in group}
    rows = [ground.row(request, ground.opening_of(request)) for request in requests if id(request) not in in_digests]
    for group in folded.values():
        rows += _digest_rows(group, ground)
    return rows


def _digest_rows(group: Sequence[DeliveryRequest], ground: _Ground) -> list[Delivery]:
    """Return the digest and what it folds; the digest comes first, for the others refer to it."""
    keys = "\n".join(sorted(request.dedupe_key for request in group))
    request = DeliveryRequest(
        tenant_id=group[0].tenant_id,
        provider_id=group[0].provider_id,
        dedupe_key="digest:" + hashlib.sha256(keys.encode()).hexdigest(),
        message=digest_of([member.message for member in group]),
    )
    opening = ground.opening_of(request)
    if opening.state is State.FAILED:
        return [ground.row(member, opening) for member in group]
    digest = ground.row(request, opening)
    folded = Opening(State.DIGESTED, f"One of {len(group)} messages at once; they went out as one digest.")
    return [digest, *(ground.row(member, folded, digest=digest) for member in group)]


def _survey(requests: Sequence[DeliveryRequest], now: datetime) -> _Ground:
    tenant_ids = {request.tenant_id for request in requests}
    rows = Destination.objects.across_tenants().filter(
        tenant_id__in=tenant_ids, pk__in={request.provider_id for request in requests}
    )
    standings = delivery_standings([request.depends_on for request in requests if request.depends_on])
    return _Ground(
        destinations={(row.tenant_id, row.pk): row for row in rows},
        dependencies={pk: standing.state for pk, standing in standings.items()},
        caps=_caps(tenant_ids),
        sent=defaultdict(int, count_in_cap_window(tenant_ids, now)),
        now=now,
    )


def _caps(tenant_ids: set[uuid.UUID]) -> dict[uuid.UUID, int]:
    tenants = Tenant.objects.filter(pk__in=tenant_ids)
    return {tenant.pk: guardrails_of(tenant).notifications_per_hour for tenant in tenants}


def _snapshot(row: Destination) -> DestinationSnapshot:
    return DestinationSnapshot(
        is_enabled=row.enabled,
        state=DestinationState(row.state),
        state_reason=row.state_reason,
        state_changed_at=row.state_changed_at,
    )
