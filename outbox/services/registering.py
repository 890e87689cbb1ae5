"""Publishers tell that they live: one row each, renewed by their loop."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from outbox.models import PublisherClaim, PublisherProcess

FORGOTTEN_AFTER: Final = timedelta(days=1)


def note_publisher(*, publisher: PublisherProcess) -> None:
    """Write the publisher's row with its heartbeat, or renew it."""
    fields = [field.name for field in PublisherProcess._meta.fields if field.name != "id"]
    PublisherProcess.objects.bulk_create([publisher], update_conflicts=True, unique_fields=["id"], update_fields=fields)


@transaction.atomic
def forget_publisher(*, publisher_id: uuid.UUID, now: datetime) -> None:
    """Take a publisher that stops off the list, and with it rows of those that have not been heard of for a day.

    Its note goes only when it holds nothing: else it keeps its keys from the others until the lease ends.
    """
    PublisherProcess.objects.filter(pk=publisher_id).delete()
    PublisherProcess.objects.filter(heartbeat_at__lt=now - FORGOTTEN_AFTER).delete()
    PublisherClaim.objects.filter(pk=publisher_id, keys=[]).delete()
