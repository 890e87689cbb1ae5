"""Routes of the outbox: the reaper, the dead letters and the pages."""

from django.urls import URLPattern, path

from outbox import views
from outbox.api import DeadLetterView
from outbox.reaper_api import OutboxReaperView

urlpatterns: list[URLPattern] = [
    path("api/v1/cron/outbox-reaper", OutboxReaperView.as_view(), name="cron-outbox-reaper"),
    path("api/v1/admin/dlq", DeadLetterView.as_view(), name="dead-letters"),
    path("settings/outbox", views.outbox_page, name="outbox-page"),
    path("settings/outbox/stream", views.stream_page, name="outbox-stream-page"),
    path("settings/outbox/stream/news", views.stream_news, name="outbox-stream-news"),
    path("settings/outbox/events/<str:event_id>", views.event_page, name="outbox-event-page"),
    path("settings/outbox/dead-letters/rehearse/<str:action>", views.rehearsal, name="outbox-rehearsal"),
    path("settings/outbox/dead-letters/do/<str:action>", views.settle, name="outbox-settle"),
    path("settings/outbox/dead-letters/<str:event_id>", views.dead_letter_page, name="outbox-dead-letter-page"),
]
