"""Addresses of the report pages."""

from django.urls import path

from reports import views

REPORTS = "settings/reports"
SCHEDULE = f"{REPORTS}/schedules/<str:schedule_id>"

urlpatterns = [
    path(REPORTS, views.report_list, name="reports-page"),
    path(f"{REPORTS}/new", views.new_report, name="report-new"),
    path(f"{REPORTS}/compose", views.compose, name="report-compose"),
    path(f"{REPORTS}/preview", views.preview, name="report-preview"),
    path(f"{REPORTS}/cadence", views.cadence, name="report-cadence"),
    path(f"{REPORTS}/runs/<str:run_id>", views.run_page, name="report-run-page"),
    path(f"{REPORTS}/runs/<str:run_id>/resend", views.resend, name="report-run-page-resend"),
    path(SCHEDULE, views.edit_schedule, name="report-schedule-page"),
    path(f"{SCHEDULE}/pause", views.pause_schedule, name="report-schedule-page-pause"),
    path(f"{SCHEDULE}/resume", views.resume_schedule, name="report-schedule-page-resume"),
    path(f"{SCHEDULE}/delete", views.delete_schedule, name="report-schedule-page-delete"),
    path(f"{REPORTS}/<str:template_id>", views.edit_report, name="report-page"),
    path(f"{REPORTS}/<str:template_id>/preview", views.saved_preview, name="report-page-preview"),
    path(f"{REPORTS}/<str:template_id>/schedules", views.add_schedule, name="report-page-schedules"),
    path(f"{REPORTS}/<str:template_id>/runs", views.history, name="report-page-runs"),
    path(f"{REPORTS}/<str:template_id>/row", views.row, name="report-page-row"),
    path(f"{REPORTS}/<str:template_id>/run", views.run_now, name="report-page-run"),
    path(f"{REPORTS}/<str:template_id>/delete", views.delete, name="report-page-delete"),
]
