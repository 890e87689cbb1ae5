"""The words of system health, and what follows when something is raised that is open already."""

from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return the order of severities; info and success are equally harmless."""
        return _RANKS[self]


_RANKS: Final = {
    Severity.SUCCESS: 0,
    Severity.INFO: 0,
    Severity.WARNING: 1,
    Severity.ERROR: 2,
    Severity.CRITICAL: 3,
}


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


SEVERE: Final = frozenset({Severity.ERROR, Severity.CRITICAL})


def is_told_outside(severity: Severity) -> bool:
    """Tell whether an alert of this severity also goes to the tenant's Slack, Teams and e-mail destinations."""
    return severity in SEVERE


def is_worse(severity: Severity, than: Severity) -> bool:
    """Tell whether a repeated alert has become worse, and is therefore news again."""
    return severity.rank > than.rank
