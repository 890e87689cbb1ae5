"""What the overview asks of flows: which runs are under way."""

from typing import Final

from flows.models import PipelineRun
from flows.selectors.overview import open_runs
from kaireon.platform.tenancy.models import Tenant

UNDER_WAY_SHOWN: Final = 4


def under_way(tenant: Tenant) -> list[PipelineRun]:
    """Return the runs that work or wait, with their pipelines; one query."""
    return open_runs(tenant, UNDER_WAY_SHOWN)
