"""When files have come, and by when they usually do."""

import uuid
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db import connection

from kaireon.platform.cadence import CadenceError, load_zone
from kaireon.platform.tenancy.models import Tenant
from triggers.decisions.deadlines import MOST, Usual, usual_arrival
from triggers.decisions.vocabulary import OccurrenceKind, Outcome

# One that was gone, or parked, is no arrival; one that joined another's run came with it.
_CAME: Final = (Outcome.FIRED.value, Outcome.HELD.value)
# The index by pipeline and time gives each pipeline's last ones; no history is read as a whole.
_LAST: Final = """
SELECT wanted.pipeline_id, came.occurrence_at
FROM unnest(%(pipelines)s::uuid[]) AS wanted (pipeline_id)
CROSS JOIN LATERAL (
    SELECT occurrence_at FROM triggers_occurrence AS row
    WHERE row.pipeline_id = wanted.pipeline_id AND row.tenant_id = %(tenant)s AND row.kind = %(kind)s
      AND row.outcome = ANY(%(came)s)
    ORDER BY row.occurrence_at DESC, row.id DESC LIMIT %(most)s
) AS came"""


def last_arrivals(tenant: Tenant, pipeline_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[datetime]]:
    """Return by pipeline when its last files came, at most thirty of each; pipelines without any are left out."""
    found: dict[uuid.UUID, list[datetime]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _LAST,
            {
                "pipelines": list(pipeline_ids), "tenant": tenant.pk, "kind": OccurrenceKind.FILE.value,
                "came": list(_CAME), "most": MOST,
            },
        )  # fmt: skip
        for pipeline_id, at in cursor.fetchall():
            found[pipeline_id].append(at)
    return dict(found)


def usual_arrivals(tenant: Tenant, pipeline_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Usual]:
    """Return by pipeline when its files usually come, in the tenant's zone; those of which nobody can say are left out.

    Shown beside a deadline before it passes: "usually here by 02:10".
    """
    try:
        zone = load_zone(tenant.timezone)
    except CadenceError:
        zone = load_zone("UTC")
    usual = {key: usual_arrival(times, zone) for key, times in last_arrivals(tenant, pipeline_ids).items()}
    return {key: value for key, value in usual.items() if value is not None}
