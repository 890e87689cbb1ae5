"""The thread beside a run: it keeps the lease, writes progress, and stops the run when it is to stop."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from flows.decisions.runs import LEASE
from flows.decisions.vocabulary import Stage
from flows.models import PipelineRun
from flows.services import cancel_run
from flows.services.claims import Claim, Scope, take_over
from flows.services.progressing import Progress
from flows.services.pulse import Pulse, Stopped, Why
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.chaos.processes import wait_until
from tests.flows.runs.world import MINUTE, NOW, SECOND, claimed, fresh, log_of, make_pipeline

pytestmark = pytest.mark.django_db(transaction=True)


def ticking_from(start: datetime) -> Callable[[], datetime]:
    """Return a clock that goes on by a second each time it is read."""
    moments = iter(range(1_000_000))
    return lambda: start + timedelta(seconds=next(moments))


def pulse_of(claim: Claim, progress: Progress, **given: Any) -> Pulse:
    """Return a pulse that looks as often as it can."""
    return Pulse(claim, progress, ticking_from(NOW), **{"seconds": 60.0, "every_seconds": 0.01, **given})


def world_of(tenant: Tenant) -> tuple[Claim, PipelineRun, Progress]:
    claim, run = claimed(make_pipeline(tenant))
    return claim, run, Progress(run, lambda: NOW)


def test_what_has_changed_is_written_while_the_run_is_busy(acme: Tenant) -> None:
    claim, run, progress = world_of(acme)
    progress.enter(Stage.READING, "reading orders")
    progress.note(rows_in=7, bytes_in=70)
    progress.set_partitions([{"index": 0, "name": "a.csv", "status": "reading", "rows": None, "bytes": 70}])
    progress.note_partitions([0], status="read", rows=7)

    with pulse_of(claim, progress):
        wait_until(lambda: fresh(run).rows_in == 7 and "reading orders" in log_of(run))

    after = fresh(run)
    assert (after.stage, after.bytes_in, after.stages[0]["stage"]) == ("reading", 70, "reading")
    assert after.partitions == [{"index": 0, "name": "a.csv", "status": "read", "rows": 7, "bytes": 70}]
    assert (after.progressed_at is not None, after.lease_until is not None) == (True, True)


def test_without_news_only_the_lease_is_renewed_and_that_seldom(acme: Tenant) -> None:
    claim, run, progress = world_of(acme)

    with pulse_of(claim, progress) as pulse:
        wait_until(lambda: pulse._clock() > NOW + 20 * SECOND)

    assert (fresh(run).progressed_at, fresh(run).lease_until) == (None, NOW + LEASE)


def test_a_figure_that_no_run_has_is_a_mistake_of_ours(acme: Tenant) -> None:
    _, _, progress = world_of(acme)

    with pytest.raises(ValueError, match="no figures of a run"):
        progress.note(rows_lost=1)


def stopped_by(claim: Claim, progress: Progress, **given: Any) -> Why:
    """Return why the pulse stops the run."""
    called = threading.Event()
    with pulse_of(claim, progress, **given) as pulse:
        pulse.on_stop(called.set)
        assert called.wait(10)
        with pytest.raises(Stopped) as stopped:
            pulse.check()
    return stopped.value.why


def test_a_cancel_stops_the_run(acme: Tenant) -> None:
    claim, run, progress = world_of(acme)
    cancel_run(tenant=acme, run_id=run.pk, actor=SYSTEM, now=NOW)

    assert stopped_by(claim, progress) is Why.CANCELLED


def test_the_end_of_its_time_stops_the_run(acme: Tenant) -> None:
    claim, _, progress = world_of(acme)

    assert stopped_by(claim, progress, seconds=0.0) is Why.OUT_OF_TIME


def test_the_end_of_its_worker_stops_the_run(acme: Tenant) -> None:
    claim, _, progress = world_of(acme)

    assert stopped_by(claim, progress, is_ending=lambda: True) is Why.ENDING


@pytest.mark.parametrize("how", ["taken over", "deleted"])
def test_a_run_that_is_another_s_stops(acme: Tenant, how: str) -> None:
    claim, run, progress = world_of(acme)
    if how == "deleted":
        run.delete()
    else:
        take_over(now=NOW + MINUTE, scope=Scope())

    assert stopped_by(claim, progress) is Why.LOST


def test_who_comes_late_is_stopped_at_once(acme: Tenant) -> None:
    claim, _, progress = world_of(acme)
    called: list[int] = []
    with pulse_of(claim, progress, seconds=0.0) as pulse:
        wait_until(lambda: pulse.why)
        pulse.on_stop(lambda: called.append(1))

    assert called


def test_after_the_commit_nothing_stops_the_run(acme: Tenant) -> None:
    claim, _, progress = world_of(acme)
    called: list[int] = []
    with pulse_of(claim, progress, seconds=0.0) as pulse:
        pulse.let_end()
        pulse.on_stop(lambda: called.append(1))
        wait_until(lambda: pulse._clock() > NOW + 10 * SECOND)
        pulse.check()

    assert (called, pulse.why) == ([], None)


def test_what_is_over_is_not_interrupted(acme: Tenant) -> None:
    claim, _, progress = world_of(acme)
    called: list[int] = []

    def interrupt() -> None:
        called.append(1)

    with pulse_of(claim, progress) as pulse:
        pulse.on_stop(interrupt)
        pulse.forget(interrupt)
        pulse._stop(Why.CANCELLED)

    assert called == []


def test_a_lost_connection_is_got_over(acme: Tenant) -> None:
    claim, run, progress = world_of(acme)
    with pulse_of(claim, progress):
        progress.note(rows_in=1)
        wait_until(lambda: fresh(run).rows_in == 1)
        with psycopg.connect(**_place()) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid NOT IN (pg_backend_pid(), %s)",
                [connection.connection.info.backend_pid],
            )
        wait_until(lambda: _note_again(progress) and fresh(run).rows_in == 2)


def _note_again(progress: Progress) -> bool:
    progress.note(rows_in=2)
    return True


def _place() -> dict[str, Any]:
    database = connection.settings_dict
    return {
        "host": database["HOST"],
        "user": database["USER"],
        "dbname": database["NAME"],
        "port": database["PORT"] or None,
    }


def test_what_was_taken_before_the_commit_is_not_written_over_it(acme: Tenant) -> None:
    claim, run, progress = world_of(acme)
    progress.note(rows_in=1)
    PipelineRun.objects.for_tenant(acme).filter(pk=run.pk).update(committed_at=NOW, rows_in=7)

    with pulse_of(claim, progress):
        wait_until(lambda: fresh(run).lease_until != NOW + LEASE)
    before = fresh(run).rows_in
    progress.note(rows_in=8)
    with pulse_of(claim, progress) as pulse:
        pulse.let_end()
        wait_until(lambda: fresh(run).rows_in == 8)

    assert (before, pulse.why) == (7, None)
