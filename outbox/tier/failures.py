"""Tell about events that failed: a log line and an error id for each topic and reason, system health for the dead."""

import logging
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError

from kaireon.platform.ids import new_id
from kaireon.platform.telemetry.services import log_failure
from outbox.decisions.settlement import Buried, Retried, Settlement
from outbox.publishers.base import Event
from outbox.services.telling import tell_dead

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class FailureReport:
    """The failures of one settlement: an error id per retried, then per buried event; places by result."""

    error_ids: list[uuid.UUID] = field(default_factory=list)
    places: dict[str, list[int]] = field(default_factory=dict)
    dead: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def tell(self, now: datetime) -> None:
        """Raise a system-health alert per tenant and topic; for after the commit. It must not stop the tier."""
        for (tenant_id, topic, reason), count in self.dead.items():
            try:
                tell_dead(tenant_id=uuid.UUID(tenant_id), topic=topic, count=count, reason_text=reason, now=now)
            except DatabaseError as error:
                log_failure(logger, "outbox dead letters not told", error, event="outbox.telling_failed")


def report_failures(events: Sequence[Event], plan: Settlement) -> FailureReport:
    """Log what failed and return the ids under which it is found: a retry is a warning, a dead letter an error."""
    report = FailureReport()
    ids: dict[tuple[str, str, str], uuid.UUID] = {}
    failures: list[Retried | Buried] = [*plan.retried, *plan.buried]
    counts: Counter[tuple[str, str, str]] = Counter()
    for failure in failures:
        is_dead = isinstance(failure, Buried)
        event = events[failure.place]
        group = ("dead" if is_dead else "retried", event.topic, failure.reason)
        counts[group] += 1
        report.error_ids.append(ids.setdefault(group, new_id()))
        report.places.setdefault(group[0], []).append(failure.place)
        if is_dead:
            report.dead[event.tenant_id, event.topic, failure.reason] += 1
    for group, error_id in ids.items():
        _log(*group, counts[group], error_id)
    if released := [*plan.behind, *plan.released]:
        report.places["released"] = released
    return report


def _log(result: str, topic: str, reason: str, count: int, error_id: uuid.UUID) -> None:
    fields = {"topic": topic, "events": count, "reason": reason, "errorId": str(error_id)}
    if result == "dead":
        logger.error("outbox events became dead letters", extra={"event": "outbox.dead", **fields})
    else:
        logger.warning("outbox events failed and wait", extra={"event": "outbox.retried", **fields})
