"""The channels of the catalogue, to choose from."""

import uuid
from typing import Final

from interactions.models import Channel

MOST_CHANNELS: Final = 200


def list_channels(tenant_id: uuid.UUID, *, limit: int = MOST_CHANNELS) -> list[tuple[str, str]]:
    """Return keys and names of the tenant's channels by name, at most `limit`; also of those no longer in use."""
    rows = Channel.objects.for_tenant(tenant_id).order_by("name", "id")
    return list(rows.values_list("key", "name")[:limit])
