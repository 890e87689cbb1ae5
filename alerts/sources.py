"""The history of alerts as reports show it: what fired and resolved in a stretch of time, and how often before.

Plain values: `kaireon/report_sources.py` makes the data source of them. A deleted rule takes its history with it.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from alerts.decisions import Outcome, TransitionKind
from alerts.models import AlertRule, Incident, Transition
from interactions.selectors.streaming import stream_rows

_RULES, _INCIDENTS, _TRANSITIONS = (model._meta.db_table for model in (AlertRule, Incident, Transition))
# Transitions are indexed by their rule and instant, and a tenant has few rules: each is a range scan of its own.
_OF_A_TENANT: Final = f"""{_RULES} AS r CROSS JOIN LATERAL (
    SELECT * FROM {_TRANSITIONS} AS t
    WHERE t.rule_id = r.id AND t.at >= %(start)s AND t.at < %(end)s
      AND (%(severity)s::text IS NULL OR t.severity = %(severity)s)
) AS t"""  # noqa: S608 - names of tables
_NARROWED: Final = "r.tenant_id = %(tenant)s AND (%(rule)s::uuid IS NULL OR r.id = %(rule)s)"
_EVENTS: Final = f"""SELECT t.at, r.name, t.kind, t.severity, r.metric, t.observed, t.threshold, t.outcome,
    extract(epoch FROM i.closed_at - i.opened_at)::float8
FROM {_OF_A_TENANT} LEFT JOIN {_INCIDENTS} AS i ON i.id = t.incident_id
WHERE {_NARROWED}
ORDER BY t.at DESC, t.id DESC LIMIT %(limit)s"""  # noqa: S608 - names of tables
_COUNTS: Final = f"""SELECT count(*), count(*) FILTER (WHERE t.kind = '{TransitionKind.FIRED}'),
    count(*) FILTER (WHERE t.kind = '{TransitionKind.RESOLVED}'),
    count(DISTINCT t.rule_id) FILTER (WHERE t.kind = '{TransitionKind.FIRED}'),
    count(*) FILTER (WHERE t.outcome = '{Outcome.FAILED}')
FROM {_OF_A_TENANT}
WHERE {_NARROWED}"""  # noqa: S608 - names of tables


@dataclass(frozen=True, slots=True)
class HistoryAsk:
    """Ask for a tenant's alerts; a severity or a rule narrows them."""

    tenant_id: uuid.UUID
    severity: str | None = None
    rule_id: uuid.UUID | None = None


class AlertCounts(NamedTuple):
    """How many transitions there were: firings (also by how many rules), resolve notices, and those nobody was told."""

    all: int
    fired: int
    resolved: int
    rules: int
    untold: int


class AlertEvent(NamedTuple):
    """One firing or resolve notice; `lasted_seconds` is None while its incident is open."""

    at: datetime
    rule: str
    kind: str
    severity: str
    metric: str
    observed: float | None
    threshold: float
    outcome: str
    lasted_seconds: float | None


def read_alert_counts(ask: HistoryAsk, window: tuple[datetime, datetime]) -> AlertCounts:
    """Return what happened in the window [start, end)."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, _values(ask, window))
        return AlertCounts(*cursor.fetchone())


def read_alert_events(ask: HistoryAsk, window: tuple[datetime, datetime], limit: int) -> Iterator[AlertEvent]:
    """Yield the newest events of the window, inside a transaction."""
    return (AlertEvent(*row) for row in stream_rows(_EVENTS, _values(ask, window) | {"limit": limit}))


def _values(ask: HistoryAsk, window: tuple[datetime, datetime]) -> dict[str, Any]:
    return {
        "tenant": ask.tenant_id, "severity": ask.severity, "rule": ask.rule_id, "start": window[0], "end": window[1],
    }  # fmt: skip
