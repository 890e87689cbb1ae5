"""Routes of alerting, as documented; the slash form works too."""

from django.urls import path

from alerts import views
from alerts.api import (
    AlertAcknowledgeView,
    AlertBacktestView,
    AlertDetailView,
    AlertListView,
    AlertMuteView,
    AlertTestView,
    AlertTimelineView,
)

urlpatterns = [
    path("api/v1/alerts", AlertListView.as_view(), name="alerts"),
    path("api/v1/alerts/<str:rule_id>", AlertDetailView.as_view(), name="alert"),
    path("api/v1/alerts/<str:rule_id>/test", AlertTestView.as_view(), name="alert-test"),
    path("api/v1/alerts/<str:rule_id>/backtest", AlertBacktestView.as_view(), name="alert-backtest"),
    path("api/v1/alerts/<str:rule_id>/timeline", AlertTimelineView.as_view(), name="alert-timeline"),
    path("api/v1/alerts/<str:rule_id>/acknowledge", AlertAcknowledgeView.as_view(), name="alert-acknowledge"),
    path("api/v1/alerts/<str:rule_id>/mute", AlertMuteView.as_view(), name="alert-mute"),
    path("settings/alerts", views.rules_page, name="alerts-page"),
    path("settings/alerts/new", views.new_rule, name="alert-new"),
    path("settings/alerts/preview", views.preview, name="alert-preview"),
    path("settings/alerts/<str:rule_id>", views.rule_page, name="alert-page"),
    path("settings/alerts/<str:rule_id>/edit", views.edit_rule, name="alert-edit"),
    path("settings/alerts/<str:rule_id>/timeline", views.timeline, name="alert-page-timeline"),
    path("settings/alerts/<str:rule_id>/backtest", views.backtest, name="alert-page-backtest"),
    path("settings/alerts/<str:rule_id>/test", views.test, name="alert-page-test"),
    path("settings/alerts/<str:rule_id>/mute", views.mute, name="alert-page-mute"),
    path("settings/alerts/<str:rule_id>/acknowledge", views.acknowledge, name="alert-page-acknowledge"),
    path("settings/alerts/<str:rule_id>/switch", views.switch, name="alert-page-switch"),
    path("settings/alerts/<str:rule_id>/delete", views.delete, name="alert-page-delete"),
]
