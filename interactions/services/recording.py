"""Record what happened, with its event, in one round trip: the hot path.

The functions of migration 0002 do the work, each call a transaction of its own. A call whose connection turns out to be
dead, or to lead to a standby, is made again on a new one, with the same ids: what the first call may have written is
found and is ours.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from interactions.decisions import SYSTEM_OUTCOMES
from interactions.decisions.payloads import decision_payload, interaction_payload
from interactions.decisions.recordings import NewDecision, NewInteraction
from interactions.services.outcome_types import ensure_outcome_types
from kaireon.platform.errors import Conflict, Failed, Unprocessable
from kaireon.platform.ids import new_id
from kaireon.platform.loops import READ_ONLY, sql_state
from kaireon.platform.telemetry.metrics import counter
from kaireon.platform.telemetry.services import mint_error_id
from kaireon.platform.tenancy.key_memory import KeyHasChanged
from kaireon.platform.tenancy.models import ApiKey, Tenant

logger = logging.getLogger(__name__)

RECORDED: Final = counter(
    "kaireon_respond_outcome_total", "Interactions and decisions recorded.", ("outcomeType", "classification")
)
# A tenant's own words stay out of the labels: /api/metrics is the installation's, and they have no end.
NAMED: Final = frozenset(outcome.key for outcome in SYSTEM_OUTCOMES)
OTHER: Final = "custom"
DECISION: Final = ("decision", "neutral")

SERIALIZATION_FAILURE: Final = "40001"

_INTERACTION: Final = f"SELECT interactions_record_interaction({', '.join(['%s'] * 28)})"
_DECISION: Final = f"SELECT interactions_record_decision({', '.join(['%s'] * 23)})"


class UnknownOutcome(Unprocessable):
    """The tenant has no outcome type of this key."""

    code = "UNKNOWN_OUTCOME"


class KeyReused(Conflict):
    """The idempotency key was used before, for something else."""

    code = "IDEMPOTENCY_KEY_REUSED"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What stands in the table now: written by this call, or by an earlier one with the same key and the same body."""

    id: str
    event_id: str
    is_duplicate: bool


def record_interaction(*, tenant_id: UUID, key: ApiKey | None, new: NewInteraction, now: datetime) -> Recorded:
    """Record an interaction with its event, or find it recorded.

    `key` is the API key that was authenticated, compared again by the same statement; None for a session. Raises
    UnknownOutcome, KeyReused, KeyHasChanged, and Failed (500), with the reason in the log, for whatever the database
    refuses: then nothing was written. Failed too when the connection was cut twice: then it may be written, and a call
    with the same idempotency key tells.
    """
    ids = (new_id(), new_id(), new_id() if new.is_conversion else None)
    payload = interaction_payload(new, tenant_id=tenant_id, interaction_id=ids[0])
    parameters = [
        tenant_id, *_facts_of(key), now, *ids, new.idempotency_key, new.request_hash, new.customer_id, new.outcome,
        new.occurred_at, new.direction, new.recommendation_id, new.rank, new.creative_id, new.offer_id, new.channel_id,
        new.placement_id, new.conversion_value, new.context, new.outcome_details, new.attributes, *payload,
    ]  # fmt: skip
    words = _call(_INTERACTION, parameters, tenant_id)
    if words[0] == "unknown_outcome":
        # A tenant that never had any gets the system's; somebody else may be doing just that, so all ask again.
        ensure_outcome_types(tenant=Tenant(pk=tenant_id), now=now)
        words = _call(_INTERACTION, parameters, tenant_id)
    if words[0] == "unknown_outcome":
        what = f"{new.outcome!r} is no outcome type of this tenant; GET /api/v1/outcome-types lists them."
        raise UnknownOutcome(what, fields={new.outcome_field: ["No outcome type of this tenant."]})
    recorded = _recorded(words)
    if not recorded.is_duplicate:
        RECORDED.labels(new.outcome if new.outcome in NAMED else OTHER, words[3]).inc()
    return recorded


def record_decision(*, tenant_id: UUID, key: ApiKey | None, new: NewDecision, now: datetime) -> Recorded:
    """Record a decision with its event, or find it recorded. Raises as `record_interaction` does."""
    row_id, event_id = new_id(), new_id()
    parameters = [
        tenant_id, *_facts_of(key), now, row_id, event_id, new.idempotency_key, new.request_hash, new.customer_id,
        new.occurred_at, new.recommendation_id, new.channel_id, new.placement_id, new.after_qualification,
        new.after_contact_policy, new.final_count, new.selected, new.selected_count, new.total_latency_ms,
        new.degraded_scoring, new.status_code, decision_payload(new, tenant_id=tenant_id, decision_id=row_id),
    ]  # fmt: skip
    recorded = _recorded(_call(_DECISION, parameters, tenant_id))
    if not recorded.is_duplicate:
        RECORDED.labels(*DECISION).inc()
    return recorded


def _facts_of(key: ApiKey | None) -> tuple[UUID | None, str | None, list[str] | None]:
    return (None, None, None) if key is None else (key.pk, key.role, key.scopes)


def _recorded(words: Sequence[str]) -> Recorded:
    result = words[0]
    if result == "key_changed":
        raise KeyHasChanged
    if result == "vanished":
        raise Conflict("What was recorded under this key was deleted at this moment; try again.")
    if result == "conflict":
        used = "This idempotency key was used before with another body."
        raise KeyReused(used, fields={"idempotencyKey": ["Was used before with another body."]})
    return Recorded(words[1], words[2], is_duplicate=result == "duplicate")


def _call(statement: str, parameters: Sequence[Any], tenant_id: UUID) -> list[str]:
    """Run the statement and return its words; run it once more where that can mend its failure."""
    # The statement itself shows whether the connection lives; asking first would be a second round trip.
    connection.health_check_done = True  # type: ignore[attr-defined]
    connection.ensure_connection()
    try:
        return _words_of(statement, parameters)
    except (DatabaseError, InterfaceError) as error:
        if connection.in_atomic_block or not _is_worth_another_try(error):
            raise _failure(error, tenant_id) from None
    connection.ensure_connection()
    try:
        # In a transaction that says its level: a server whose default is a stricter one has refused what was
        # committed meanwhile, and would again.
        with transaction.atomic():
            return _words_of(statement, parameters)
    except (DatabaseError, InterfaceError) as error:
        raise _failure(error, tenant_id) from None


def _is_worth_another_try(error: Exception) -> bool:
    """Tell whether the same statement may fare better; a connection that is dead or leads to a standby is closed."""
    state = sql_state(error)
    if state == SERIALIZATION_FAILURE:
        return True
    is_lost = isinstance(error, OperationalError | InterfaceError) and not connection.is_usable()
    if is_lost or state == READ_ONLY:
        connection.close()
        return True
    return False


def _words_of(statement: str, parameters: Sequence[Any]) -> list[str]:
    # The server binds the parameters: to quote each into the statement, as Django's cursors do, costs more than the
    # rest of the call.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        row = cursor.execute(statement, parameters, prepare=False).fetchone()
    return str(row[0]).split(" ") if row else []


def _failure(error: Exception, tenant_id: UUID) -> Failed:
    """Log why nothing could be recorded, without what was to be recorded, and return what the caller is told."""
    error_id = mint_error_id()
    diagnosis = getattr(error.__cause__, "diag", None)
    logger.error(
        "recording failed",
        extra={
            "event": "respond.failed",
            "errorId": error_id,
            "tenantId": str(tenant_id),
            # The primary message alone: the detail of a refused row is the row, the context of refused JSON the JSON.
            "reason": getattr(diagnosis, "message_primary", None) or type(error).__name__,
            "sqlState": getattr(error.__cause__, "sqlstate", None),
            "table": getattr(diagnosis, "table_name", None),
            "constraint": getattr(diagnosis, "constraint_name", None),
        },
    )
    return Failed(error_id)
