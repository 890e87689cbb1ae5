"""Pages of the outbox: is it draining, one event, the stream, and what to do with dead letters."""

from outbox.views.acting import rehearsal, settle
from outbox.views.events import dead_letter_page, event_page
from outbox.views.reading import outbox_page
from outbox.views.stream import stream_news, stream_page

__all__ = [
    "dead_letter_page",
    "event_page",
    "outbox_page",
    "rehearsal",
    "settle",
    "stream_news",
    "stream_page",
]
