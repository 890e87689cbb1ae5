"""django-outbox-pattern with a STOMP connection that does nothing: its own producer, one pass over the table."""

import logging
import sys
from typing import Any

import django
from django.conf import settings
from protocol import TOPIC, await_start, finish, parts_of, payloads


class NoConnection:
    """Takes every message and forgets it."""

    def __init__(self, **options: Any) -> None:
        self.sent = 0

    def is_connected(self) -> bool:
        """Say yes: there is nothing to connect to."""
        return True

    def disconnect(self) -> None:
        """Do nothing."""

    def send(self, **message: Any) -> None:
        """Count the message."""
        self.sent += 1


USER, HOST, NAME = parts_of(sys.argv[2])
settings.configure(
    INSTALLED_APPS=["django_outbox_pattern"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "USER": USER, "HOST": HOST, "NAME": NAME}},
    DJANGO_OUTBOX_PATTERN={
        "DEFAULT_CONNECTION_CLASS": f"{__name__}.NoConnection", "DEFAULT_PRODUCER_WAITING_TIME": 0,
    },
    USE_TZ=True,
)  # fmt: skip
django.setup()
logging.disable(logging.INFO)

# Models exist only after setup.
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django_outbox_pattern.factories import factory_producer  # noqa: E402
from django_outbox_pattern.headers import get_message_headers  # noqa: E402
from django_outbox_pattern.models import Published  # noqa: E402


def prepare(events: int) -> None:
    """Migrate and write the events by bulk_create, with the headers its `save` would give them."""
    call_command("migrate", verbosity=0)
    rows = [Published(destination=f"/topic/{TOPIC}", body=body) for body in payloads(events)]
    for row in rows:
        row.headers = get_message_headers(row)
    Published.objects.bulk_create(rows, batch_size=5000)


def drain() -> None:
    """Publish what waits."""
    producer = factory_producer()
    connection.ensure_connection()
    began = await_start()
    producer.publish_message_from_database()
    finish(producer.connection.sent, began)


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(int(sys.argv[3]))
    else:
        drain()
