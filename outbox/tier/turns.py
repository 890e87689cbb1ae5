"""Whose turn it is: after which tenant a claim looks, how many events each may give, and when held keys are asked."""

import uuid
from collections import Counter
from typing import Final

from outbox.decisions.sharing import Shares, first_shares, next_shares
from outbox.services.claim_sql import MOST_TENANTS
from outbox.services.claiming import NO_TENANT, Claim

LOOK_EVERY_SECONDS: Final = 0.25
# Held keys can take long to fail again: while others are ready they get this part of a publisher's time.
DUE_PART: Final = 1 / 5


class TenantTurns:
    """Goes through the tenants, a page at a time, and begins again; says whether to look again at once."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._has_brought = False
        self.shares = first_shares(batch_size)
        self.after = NO_TENANT
        self.has_others = False

    def note(self, claim: Claim, limit: int) -> None:
        """Take note of a claim of ready events that was to bring `limit` at most."""
        taken = Counter(event.tenant_id for event in claim.events)
        self._has_brought = self._has_brought or bool(claim.events)
        last = _last_reached(claim, taken, limit)
        if last is not None:
            self.after, self.has_others, self.shares = last, True, Shares({}, self.shares.of_others)
            return
        # A round that brought nothing is over: those whose keys are in flight elsewhere are asked again later.
        self.has_others = self.after != NO_TENANT and self._has_brought
        self.after, self._has_brought = NO_TENANT, False
        counts = {uuid.UUID(tenant): count for tenant, count in taken.items()}
        self.shares = next_shares(self.shares, counts, self._batch_size)


def _last_reached(claim: Claim, taken: Counter[str], limit: int) -> uuid.UUID | None:
    """Return the tenant after which there may be others that had no turn, or None at the end of the round."""
    if len(taken) == limit < claim.tenants:
        return uuid.UUID(max(taken))
    return claim.last_tenant if claim.tenants >= MOST_TENANTS else None


class DueTurns:
    """Says when to ask for held keys that are due, so that neither they nor the ready ones starve."""

    def __init__(self) -> None:
        self._look_at = self._rests_until = float("-inf")
        self._is_others_turn = False

    def is_turn(self, moment: float) -> bool:
        """Tell whether held keys come first now. After a claim of theirs, the next one is the others'."""
        is_turn = moment >= max(self._look_at, self._rests_until) and not self._is_others_turn
        self._is_others_turn = False
        return is_turn

    def may_look(self, moment: float) -> bool:
        """Tell whether to ask although it is not their turn, because nobody else has anything."""
        return moment >= self._look_at

    def note_nothing(self, moment: float) -> None:
        """Take note that none was due."""
        self._look_at = moment + LOOK_EVERY_SECONDS

    def note_spent(self, began: float, ended: float) -> None:
        """Take note of the time that a claim of theirs took, publishing included."""
        self._is_others_turn = True
        self._rests_until = ended + (ended - began) * (1 / DUE_PART - 1)
