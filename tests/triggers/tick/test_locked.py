"""What the route answers while another tick decides."""

import threading

import pytest
from django.db import connection, transaction
from django.test import Client

from kaireon.platform.locks import xact_lock
from triggers.services.ticking import SCHEDULER_LOCK


@pytest.mark.django_db(transaction=True)
def test_a_held_lock_is_answered_as_skipped() -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            xact_lock(SCHEDULER_LOCK)
            held.set()
            release.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    headers = {"x-cron-secret": "test-cron-secret-of-more-than-32-characters"}
    answer = Client(headers=headers).post("/api/v1/cron/flow-scheduler-tick")
    release.set()
    holder.join(20)

    assert (answer.status_code, list(answer.json()), answer.json()["skipped"]) == (200, ["skipped", "tickAt"], True)
