"""What a depth of the dead letter queue means, and what a retry or a purge would do."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

WARNING_ABOVE: Final = 10
CRITICAL_ABOVE: Final = 100


class DeadAction(StrEnum):
    """What a person does with dead letters."""

    RETRY = "retry"
    PURGE = "purge"


class DepthAlert(StrEnum):
    """How bad a depth is, in the API's words."""

    OK = "OK"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


def depth_alert(depth: int) -> DepthAlert:
    """Return OK up to 10 dead letters, WARNING up to 100 and CRITICAL beyond. Source: the documented DLQ API."""
    if depth <= WARNING_ABOVE:
        return DepthAlert.OK
    return DepthAlert.WARNING if depth <= CRITICAL_ABOVE else DepthAlert.CRITICAL


@dataclass(frozen=True, slots=True)
class SupersededKey:
    """A key of which later events have left since: a retried event would bring an old state after a newer one."""

    key: str
    dead: int
    published_since: int
    last_published_at: datetime


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key that is held now: a retried event would stand behind what waits there."""

    key: str
    dead: int


@dataclass(frozen=True, slots=True)
class DeadPlan:
    """What a retry or purge would do, and what to think of first; nothing was changed.

    `superseded` is read from the history of published events, no further back than `history_since` (None: there is
    none). Warnings are looked for among the `keys_checked` first keys, oldest dead letter first.
    """

    total: int
    by_topic: Mapping[str, int]
    by_reason: Mapping[str, int]
    oldest_failed_at: datetime | None
    newest_failed_at: datetime | None
    superseded: Sequence[SupersededKey]
    held: Sequence[HeldKey]
    keys_checked: int
    history_since: datetime | None


@dataclass(frozen=True, slots=True)
class DeadSelection:
    """Which dead letters of a tenant: those with the ids, those of the topic, both conditions, or with neither all."""

    tenant_id: uuid.UUID
    event_ids: Sequence[uuid.UUID] = ()
    topic: str = ""

    @property
    def name(self) -> str:
        """Return what an audit entry calls it: the one event, the topic, or how it was chosen."""
        if len(self.event_ids) == 1:
            return str(self.event_ids[0])
        return self.topic or ("selection" if self.event_ids else "all")
