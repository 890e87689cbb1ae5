"""Who was told: the deliveries of transitions, as they stand now."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from alerts.decisions import Outcome, settle
from alerts.models import Transition
from kaireon.platform.notifications.decisions import State
from kaireon.platform.notifications.selectors import delivery_standings


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One destination of a transition; a message folded into a digest stands as the digest does."""

    delivery_id: uuid.UUID
    provider_id: uuid.UUID
    kind: str
    name: str
    state: State
    error: str

    @property
    def is_failed(self) -> bool:
        """Tell whether it ended without arriving."""
        return settle([self.state]).outcome is Outcome.FAILED


Lines = dict[uuid.UUID, list[DeliveryLine]]


def deliveries_by_transition(transitions: Iterable[tuple[uuid.UUID, list[uuid.UUID]]]) -> Lines:
    """Return the deliveries of each (transition, delivery ids): one query for all of them."""
    pairs = list(transitions)
    standings = delivery_standings({delivery_id for _, ids in pairs for delivery_id in ids})
    return {
        transition_id: [
            DeliveryLine(
                each, standings[each].provider_id, standings[each].provider_kind, standings[each].provider_name,
                standings[each].state, standings[each].error,
            )
            for each in ids
            if each in standings
        ]
        for transition_id, ids in pairs
    }  # fmt: skip


def deliveries_of_tick(rule_ids: Collection[uuid.UUID], at: datetime) -> Lines:
    """Return, by rule, the deliveries of the transitions that a tick at this instant made; two queries."""
    if not rule_ids:
        return {}
    made = Transition.objects.across_tenants().filter(rule_id__in=rule_ids, at=at)
    return deliveries_by_transition(made.values_list("rule_id", "delivery_ids"))
