"""Whoever takes a run over ends what another session still loads for it, and nothing else."""

import threading

import pytest
from django.db import OperationalError, connection, connections, transaction

from flows.models import PipelineRun
from flows.services.claims import fence
from flows.services.holding import end_load, end_when_silent, hold_load
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import claimed, make_pipeline

pytestmark = pytest.mark.django_db(transaction=True)


class Loading(threading.Thread):
    """A session in the middle of the load of a run, until it is told to go on."""

    def __init__(self, run: PipelineRun) -> None:
        super().__init__()
        self.run_of, self.is_in, self.goes_on = run, threading.Event(), threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        """Hold the load, wait, and say something more."""
        try:
            with transaction.atomic():
                hold_load(self.run_of)
                self.is_in.set()
                self.goes_on.wait(20)
                connection.cursor().execute("SELECT 1")
        except OperationalError as error:
            self.error = error
        finally:
            self.is_in.set()
            connections.close_all()


@pytest.mark.parametrize("is_the_same", [True, False])
def test_only_the_load_of_this_run_is_ended(acme: Tenant, is_the_same: bool) -> None:
    _, run = claimed(make_pipeline(acme))
    _, other = claimed(make_pipeline(acme, name="Other"))
    loading = Loading(run if is_the_same else other)
    loading.start()
    assert loading.is_in.wait(20)

    ended = end_load(run)
    loading.goes_on.set()
    loading.join(20)

    assert (ended, loading.error is not None) == (int(is_the_same), is_the_same)


def test_a_load_that_is_over_is_not_found(acme: Tenant) -> None:
    _, run = claimed(make_pipeline(acme))
    with transaction.atomic():
        hold_load(run)
        during = end_load(run)

    assert (during, end_load(run)) == (0, 0)


def test_a_process_that_says_nothing_while_it_holds_a_run_is_ended_by_the_server(acme: Tenant) -> None:
    claim, _ = claimed(make_pipeline(acme))

    with transaction.atomic(), connection.cursor() as cursor:
        fence(claim)
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        held = cursor.fetchone()[0]
        end_when_silent(milliseconds=500)
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        shorter = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        after = cursor.fetchone()[0]

    assert (held, shorter, after) == ("30s", "500ms", "0")
