"""Locks are taken in one order, template, schedule, run: deleting a template never meets an edit of its schedule."""

import threading

import pytest
from django.db import connection, transaction

from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportSchedule, ReportTemplate
from reports.services import update_schedule
from tests.chaos.processes import wait_until
from tests.people import make_tenant
from tests.reports.runs_world import NOW, fresh, make_schedule, make_template

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme() -> Tenant:
    """Return a tenant that other threads see."""
    return make_tenant("Acme")


def test_an_edit_that_names_the_template_waits_for_it_before_it_takes_the_schedule(acme: Tenant) -> None:
    schedule = make_schedule(make_template(acme))
    failures: list[BaseException] = []

    def edit() -> None:
        changes = {"name": "Edited", "template_id": schedule.template_id}
        try:
            update_schedule(tenant=acme, schedule_id=schedule.pk, changes=changes, actor=SYSTEM, now=NOW)
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)
        finally:
            connection.close()

    editing = threading.Thread(target=edit)
    with transaction.atomic():
        ReportTemplate.objects.for_tenant(acme).select_for_update().get()
        editing.start()
        wait_until(lambda: waiting_for_a_lock() == 1)
        free = len(ReportSchedule.objects.for_tenant(acme).select_for_update(skip_locked=True))
    editing.join(20)

    assert (free, failures, fresh(schedule).name) == (1, [], "Edited")


def waiting_for_a_lock() -> int:
    """Count who waits for a lock in this database, as it is now and not as this transaction first saw it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])
