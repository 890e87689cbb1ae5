"""Dashboards: pages of figures, each a report definition that is read at once, exported, or saved with a schedule."""

from reports.dashboards.declaration import Dashboard
from reports.dashboards.registry import DASHBOARDS

__all__ = ["DASHBOARDS", "Dashboard"]
