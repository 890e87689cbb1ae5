"""Pages of triggers, with their full public paths."""

from django.urls import URLPattern, path

from triggers.views import backfilling, dashboard, desk, foretelling, occurrence, secrets

PIPELINE = "data/scheduler/pipelines/<str:pipeline_id>"
SECRET = f"{PIPELINE}/secrets/<str:secret_id>"

urlpatterns: list[URLPattern] = [
    path("data/scheduler", dashboard.dashboard, name="scheduler-page"),
    path("data/scheduler/occurrences/<str:occurrence_id>", occurrence.occurrence, name="occurrence-page"),
    path(f"{PIPELINE}/foretell/schedule", foretelling.foretell_schedule, name="foretell-schedule"),
    path(f"{PIPELINE}/foretell/trigger", foretelling.foretell_trigger, name="foretell-trigger"),
    path(f"{PIPELINE}/schedule", desk.schedule_desk, name="schedule-desk"),
    path(f"{PIPELINE}/triggers", desk.trigger_desk, name="trigger-desk"),
    path(f"{PIPELINE}/backfill", backfilling.backfill_range, name="backfill-page"),
    path(f"{PIPELINE}/secrets", secrets.create, name="trigger-secret-new"),
    path(f"{SECRET}/rotate", secrets.rotate, name="trigger-secret-page-rotate"),
    path(f"{SECRET}/revoke", secrets.revoke, name="trigger-secret-page-revoke"),
]
