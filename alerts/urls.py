"""Routes of alerting, as documented; the slash form works too."""

from django.urls import path

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
]
