"""Routes of outcome types, the metrics catalogue, and what is recorded."""

from django.urls import path

from interactions import api, recording_api

urlpatterns = [
    path("api/v1/respond", recording_api.RespondView.as_view(), name="respond"),
    path("api/v1/decisions", recording_api.DecisionsView.as_view(), name="decisions"),
    path("api/v1/outcome-types", api.OutcomeTypeListView.as_view(), name="outcome-types"),
    path("api/v1/metrics-catalogue", api.MetricsCatalogueView.as_view(), name="metrics-catalogue"),
]
