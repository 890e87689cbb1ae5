"""The words of system health, and what follows when something is raised that is open already."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return the order of severities, from 0 for success to 4 for critical."""
        return BY_RANK.index(self)


BY_RANK: Final = (Severity.SUCCESS, Severity.INFO, Severity.WARNING, Severity.ERROR, Severity.CRITICAL)


class Source(StrEnum):
    """Which part speaks: the documented eight, then ours."""

    FLOW = "flow"
    DECISIONING = "decisioning"
    APPROVALS = "approvals"
    LICENSE = "license"
    SYSTEM = "system"
    DATA = "data"
    MODEL = "model"
    SENTINEL = "sentinel"
    ALERTS = "alerts"
    NOTIFICATIONS = "notifications"
    REPORTS = "reports"
    OUTBOX = "outbox"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class HealthAlert:
    """What to raise. `link` is a path of ours; `user_id` None tells everybody in the tenant.

    Raised again under the same `dedupe_key` while open, it counts up; it is unread and told anew only if it got worse.
    `fan_out` False keeps an error or critical one inside; `not_through` names destinations that must not carry it.
    """

    tenant_id: uuid.UUID
    severity: Severity
    source: Source
    title: str
    message: str = ""
    link: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    dedupe_key: str | None = None
    user_id: uuid.UUID | None = None
    fan_out: bool = True
    not_through: Collection[uuid.UUID] = ()
    occurrences: int = 1


SEVERE: Final = frozenset({Severity.ERROR, Severity.CRITICAL})


def is_told_outside(severity: Severity) -> bool:
    """Tell whether an alert of this severity also goes to the tenant's Slack, Teams and e-mail destinations."""
    return severity in SEVERE


def is_worse(severity: Severity, than: Severity) -> bool:
    """Tell whether a repeated alert has become worse, and is therefore news again."""
    return severity.rank > than.rank
