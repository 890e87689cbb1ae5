"""From params to what the selectors take."""

from interactions.selectors.narrowing import Narrowing
from reports.sources.params import InteractionFilters


def narrowing_of(params: InteractionFilters) -> Narrowing:
    """Return the filters of the params."""
    return Narrowing(params.channel_id, params.offer_id, params.category_id, params.segment_id)
