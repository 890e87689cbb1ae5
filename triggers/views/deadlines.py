"""Deadlines before they pass: when a file is due, and when it is usually there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kaireon.platform.tenancy.models import Tenant
from triggers.decisions.deadlines import MOST, usual_arrival
from triggers.models import FileTrigger
from triggers.selectors.attention import arrivals_of

NEAR: Final = timedelta(hours=1)
_ON_MISS: Final = {
    "alert": "raises an alert", "fail": "raises an alert and counts as a failed run", "skip": "is noted, nothing else",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeadlineLine:
    """A deadline as the page shows it; `state` is a word of the badges."""

    trigger: FileTrigger
    state: str
    usual: str

    @property
    def on_miss(self) -> str:
        """Say what happens when no file comes."""
        return _ON_MISS.get(self.trigger.on_miss, "")

    @property
    def due_at(self) -> datetime | None:
        """Return when the file is, or was, due; after a miss the row's own time is when it is looked at next."""
        trigger = self.trigger
        if trigger.missed_anchor is None or trigger.deadline_minutes is None:
            return trigger.deadline_at
        return trigger.missed_anchor + timedelta(minutes=trigger.deadline_minutes)

    @property
    def mask(self) -> str:
        """Return the pattern that is waited for."""
        value = self.trigger.pattern.get("value") if isinstance(self.trigger.pattern, dict) else ""
        return str(value or "")


def deadline_lines(tenant: Tenant, triggers: Sequence[FileTrigger], now: datetime) -> list[DeadlineLine]:
    """Return the deadlines with how near they are, and by when the file is usually there; one query."""
    arrivals = arrivals_of(tenant, [each.pipeline_id for each in triggers], limit=MOST)
    zone = ZoneInfo(tenant.timezone)
    return [DeadlineLine(each, _state(each, now), _usual(arrivals[each.pipeline_id], zone)) for each in triggers]


def _usual(arrivals: Sequence[datetime], zone: ZoneInfo) -> str:
    found = usual_arrival(arrivals, zone)
    return "" if found is None else f"usually here by {found.latest:%H:%M} ({zone.key})"


def _state(trigger: FileTrigger, now: datetime) -> str:
    if trigger.missed_anchor is not None:
        return "occurrence_deadline_missed"
    assert trigger.deadline_at is not None
    return "deadline_near" if trigger.deadline_at - now <= NEAR else "deadline_far"
