"""How tenants share a batch: everyone who waits gets a part, and what the others leave goes to those with a backlog."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LEAST_SHARE: Final = 4


@dataclass(frozen=True, slots=True)
class Shares:
    """How many events a claim may take: of the tenants named, and of any other one."""

    of_tenant: Mapping[uuid.UUID, int]
    of_others: int


def first_shares(batch_size: int) -> Shares:
    """Return the shares of a publisher that knows nobody yet."""
    return Shares({}, max(LEAST_SHARE, batch_size // 2))


def next_shares(given: Shares, taken: Mapping[uuid.UUID, int], batch_size: int) -> Shares:
    """Return the shares of the next claim, from what each tenant `taken` of the last one.

    A tenant that took all it was given has a backlog: such tenants share the whole batch. The others keep a small
    part each, and the claim takes one event of everybody before it takes the second of anybody, so a tenant's ten
    events are never behind another's million.
    """
    hungry = [tenant for tenant, count in taken.items() if count >= given.of_tenant.get(tenant, given.of_others)]
    of_others = max(LEAST_SHARE, batch_size // (2 * (len(taken) + 1)))
    if not hungry:
        return Shares({}, of_others)
    share = max(LEAST_SHARE, -(-batch_size // len(hungry)))
    return Shares(dict.fromkeys(hungry, share), of_others)
