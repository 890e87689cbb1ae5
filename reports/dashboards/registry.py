"""The one list of dashboards: one is one file and one line here, in the order of the navigation."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from reports.dashboards import (
    attribution,
    business,
    data_health,
    decision_health,
    executive,
    model_health,
    operations,
)
from reports.dashboards.declaration import Dashboard

DASHBOARDS: Final[Mapping[str, Dashboard]] = MappingProxyType(
    {
        dashboard.key: dashboard
        for dashboard in (
            executive.DASHBOARD,
            business.DASHBOARD,
            operations.DASHBOARD,
            model_health.DASHBOARD,
            data_health.DASHBOARD,
            attribution.DASHBOARD,
            decision_health.DASHBOARD,
        )
    }
)
