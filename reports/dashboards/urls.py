"""Routes of dashboards: one page each, and what is done with any of them."""

from django.urls import path

from reports.api.dashboards import (
    DashboardDataView,
    DecisionHealthView,
    DecisionPipelineView,
    ExportView,
)
from reports.dashboards import views
from reports.dashboards.registry import DASHBOARDS

urlpatterns = [
    path("api/v1/dashboard-data", DashboardDataView.as_view(), name="dashboard-data"),
    path("api/v1/dashboards/decision-pipeline", DecisionPipelineView.as_view(), name="decision-pipeline"),
    path("api/v1/dashboards/decision-health/summary", DecisionHealthView.as_view(), name="decision-health-summary"),
    path("api/v1/reports/export", ExportView.as_view(), name="report-export"),
    *(path(f"dashboards/{key}", views.dashboard_page, {"key": key}, name=f"dashboard-{key}") for key in DASHBOARDS),
    path("dashboards/export", views.export_page, name="dashboard-export"),
    path("dashboards/save", views.save_page, name="dashboard-save"),
]
