"""Routes of the audit log."""

from django.urls import path

from kaireon.platform.audit import api, views

urlpatterns = [
    path("api/v1/audit-logs", api.AuditListView.as_view(), name="audit-logs"),
    path("api/v1/audit-logs/verify", api.AuditVerifyView.as_view(), name="audit-verify"),
    path("api/v1/audit-export", api.AuditExportView.as_view(), name="audit-export"),
    path("settings/audit", views.audit_log, name="audit-page"),
    path("settings/audit/verify", views.verify, name="audit-page-verify"),
]
