"""The words of alerting, as the API and the tables spell them."""

from datetime import timedelta
from enum import StrEnum

# A tick retried after its answer was lost is no new fact: not even `cooldownMinutes: 0` fires twice within this.
FLOOR = timedelta(seconds=30)


class Operator(StrEnum):
    """How the observed value is compared with the threshold."""

    GT = "gt"
    LT = "lt"
    GTE = "gte"
    LTE = "lte"
    EQ = "eq"


class Severity(StrEnum):
    """How far beyond the threshold the value is; derived, never configured."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class NoDataPolicy(StrEnum):
    """What a ratio without a denominator means: all is well, a breach, or "whatever it was before"."""

    OK = "ok"
    ALERT = "alert"
    KEEP = "keep"


class Status(StrEnum):
    """Result of a rule's latest evaluation. `resolved` appears in a tick's answer only; the rule then reads `ok`."""

    OK = "ok"
    FIRED = "fired"
    COOLDOWN = "cooldown"
    DELIVERY_FAILED = "delivery_failed"
    UNSUPPORTED_METRIC = "unsupported_metric"
    PENDING = "pending"
    MUTED = "muted"
    NO_DATA = "no_data"
    RESOLVED = "resolved"


class Reason(StrEnum):
    """Why an evaluation did, or did not, tell anyone."""

    FIRED = "fired"
    RESOLVED = "resolved"
    CLOSED_QUIETLY = "closed_quietly"
    NOT_BREACHED = "not_breached"
    NO_DATA_IS_OK = "no_data_is_ok"
    NO_DATA_KEPT = "no_data_kept"
    UNSUPPORTED_METRIC = "unsupported_metric"
    PENDING = "pending"
    MUTED = "muted"
    ACKNOWLEDGED = "acknowledged"
    IN_FLIGHT = "in_flight"
    COOLDOWN = "cooldown"
    JUST_FIRED = "just_fired"
    RETRY_SOON = "retry_soon"


class TransitionKind(StrEnum):
    """What happened to an incident that somebody may be told of."""

    FIRED = "fired"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """How the deliveries of a transition ended."""

    IN_FLIGHT = "in_flight"
    TOLD = "told"
    FAILED = "failed"


class CloseReason(StrEnum):
    """Why an incident ended."""

    RECOVERED = "recovered"
    NO_DATA = "no_data"
    DISABLED = "disabled"
