"""Routes of reporting, as documented; the slash form works too."""

from django.urls import path

from reports.api.artifacts import ReportArtifactView
from reports.api.runs import (
    ReportPreviewView,
    ReportRunDetailView,
    ReportRunListView,
    ReportRunNowView,
    ReportRunResendView,
)
from reports.api.schedules import (
    CadencePreviewView,
    ReportScheduleDetailView,
    ReportScheduleListView,
    ReportSchedulePauseView,
    ReportScheduleResumeView,
)
from reports.api.templates import ReportTemplateDetailView, ReportTemplateListView

TEMPLATE = "api/v1/reports/templates/<str:template_id>"
SCHEDULES = "api/v1/reports/schedules"
RUN = "api/v1/reports/runs/<str:run_id>"

urlpatterns = [
    path("api/v1/reports/templates", ReportTemplateListView.as_view(), name="report-templates"),
    path("api/v1/reports/templates/<str:template_id>", ReportTemplateDetailView.as_view(), name="report-template"),
    path(f"{TEMPLATE}/preview", ReportPreviewView.as_view(), name="report-template-preview"),
    path(f"{TEMPLATE}/run-now", ReportRunNowView.as_view(), name="report-template-run-now"),
    path("api/v1/reports/runs", ReportRunListView.as_view(), name="report-runs"),
    path(RUN, ReportRunDetailView.as_view(), name="report-run"),
    path(f"{RUN}/resend", ReportRunResendView.as_view(), name="report-run-resend"),
    path(f"{RUN}/artifacts/<str:fmt>", ReportArtifactView.as_view(), name="report-run-artifact"),
    path(SCHEDULES, ReportScheduleListView.as_view(), name="report-schedules"),
    path(f"{SCHEDULES}/preview", CadencePreviewView.as_view(), name="report-schedule-preview"),
    path(f"{SCHEDULES}/<str:schedule_id>", ReportScheduleDetailView.as_view(), name="report-schedule"),
    path(f"{SCHEDULES}/<str:schedule_id>/pause", ReportSchedulePauseView.as_view(), name="report-schedule-pause"),
    path(f"{SCHEDULES}/<str:schedule_id>/resume", ReportScheduleResumeView.as_view(), name="report-schedule-resume"),
]
