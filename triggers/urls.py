"""REST routes of triggers, with their full public paths."""

from django.urls import URLPattern, path

from triggers.api.arrivals import FileArrivalView
from triggers.api.backfills import PipelineBackfillView
from triggers.api.previews import SchedulePreviewView
from triggers.api.secrets import TriggerSecretDetailView, TriggerSecretListView, TriggerSecretRotateView
from triggers.api.status import OccurrenceDetailView, OccurrenceListView, SchedulerStatusView
from triggers.api.ticks import FlowSchedulerTickView

SECRETS = "api/v1/pipelines/<str:pipeline_id>/trigger-secrets"

urlpatterns: list[URLPattern] = [
    path("api/v1/cron/flow-scheduler-tick", FlowSchedulerTickView.as_view(), name="cron-flow-scheduler-tick"),
    path("api/v1/triggers/file-arrival", FileArrivalView.as_view(), name="file-arrival"),
    path(SECRETS, TriggerSecretListView.as_view(), name="trigger-secrets"),
    path(f"{SECRETS}/<str:secret_id>", TriggerSecretDetailView.as_view(), name="trigger-secret"),
    path(f"{SECRETS}/<str:secret_id>/rotate", TriggerSecretRotateView.as_view(), name="trigger-secret-rotate"),
    path("api/v1/scheduler-status", SchedulerStatusView.as_view(), name="scheduler-status"),
    path("api/v1/occurrences", OccurrenceListView.as_view(), name="occurrences"),
    path("api/v1/occurrences/<str:occurrence_id>", OccurrenceDetailView.as_view(), name="occurrence"),
    path("api/v1/schedules/preview", SchedulePreviewView.as_view(), name="schedule-preview"),
    path("api/v1/pipelines/<str:pipeline_id>/backfill", PipelineBackfillView.as_view(), name="pipeline-backfill"),
]
