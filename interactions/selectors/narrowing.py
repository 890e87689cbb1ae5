"""Which rows of a window are meant: conditions over the row alias `r`, with every value as a parameter."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from interactions.metrics import Source
from interactions.models import Offer

# A segment is the customer's own word, sent with the interaction; the catalogue has none.
SEGMENT = "coalesce(r.context ->> 'segmentId', r.attributes ->> 'segmentId')"


class Dimension(StrEnum):
    """What rows can be grouped by; traces know their channel and placement only."""

    OFFER = "offer"
    CHANNEL = "channel"
    PLACEMENT = "placement"
    CREATIVE = "creative"
    CATEGORY = "category"
    SEGMENT = "segment"


# Constants over `r`, and over `c`, the catalogue's row of the offer, which is joined for a category alone.
EXPRESSIONS = {
    Dimension.OFFER: "r.offer_id",
    Dimension.CHANNEL: "r.channel_id",
    Dimension.PLACEMENT: "r.placement_id",
    Dimension.CREATIVE: "r.creative_id",
    Dimension.CATEGORY: "nullif(c.category, '')",
    Dimension.SEGMENT: SEGMENT,
}
OF_TRACES = frozenset({Dimension.CHANNEL, Dimension.PLACEMENT})
CATALOGUE_JOIN = f"LEFT JOIN {Offer._meta.db_table} AS c ON c.tenant_id = r.tenant_id AND c.key = r.offer_id"
_IN_CATEGORY = f"""r.offer_id IN (
        SELECT o.key FROM {Offer._meta.db_table} AS o WHERE o.tenant_id = %(tenant)s AND o.category = %(category)s)"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Filters; each that is given must hold. Traces know `channel_id` alone."""

    channel_id: str | None = None
    offer_id: str | None = None
    category: str | None = None
    segment: str | None = None

    def conditions(self, source: Source) -> str:
        """Return ` AND …` for a WHERE over `r`; raise ValueError for a filter that the table cannot answer."""
        if source is Source.TRACES and (self.offer_id or self.category or self.segment):
            raise ValueError("Decision traces are narrowed by their channel only.")
        given = (
            (self.channel_id, "r.channel_id = %(channel_id)s"),
            (self.offer_id, "r.offer_id = %(offer_id)s"),
            (self.category, _IN_CATEGORY),
            (self.segment, f"{SEGMENT} = %(segment)s"),
        )
        return "".join(f" AND {condition}" for value, condition in given if value is not None)

    def values(self) -> dict[str, Any]:
        """Return the parameters of the conditions."""
        return {
            "channel_id": self.channel_id, "offer_id": self.offer_id, "category": self.category,
            "segment": self.segment,
        }  # fmt: skip


EVERYTHING = Narrowing()
