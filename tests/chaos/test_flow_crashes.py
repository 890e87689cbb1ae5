"""`kill -9` at every boundary of a pipeline's run: rows exactly once, the file exactly once, and a truthful end.

Each test holds a real `manage.py run_worker --only flows` by means of the database where that can be seen from outside,
kills it there, lets its lease run out, and starts another worker.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from flows.models import Pipeline, PipelineRun, RunFile
from flows.services import cancel_run
from flows.services.claims import Scope
from flows.services.recovering import recover_runs
from flows.services.running import work_off_flows
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.chaos.flow_workers import AT_COMMIT, BEFORE_INSERT, BEFORE_UPDATE, Worker, at, flow_worker, gate_in
from tests.chaos.processes import Gate, test_database_url, wait_until
from tests.flows.runs.world import (
    dispatched_run,
    drop,
    events,
    files_below,
    fresh,
    inbox,
    make_pipeline,
    make_table,
    open_alerts,
    plain_ir,
    rows_in,
    soon,
    states,
)
from tests.people import make_tenant

__all__ = ["inbox"]
pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

RUNS, FILES = PipelineRun._meta.db_table, RunFile._meta.db_table
COMMITTING = "OLD.committed_at IS NULL AND NEW.committed_at IS NOT NULL"
ROWS = [(number, float(number)) for number in range(1_000)]


@pytest.fixture
def acme(transactional_db: None) -> Tenant:
    """Return a tenant that other processes see."""
    return make_tenant("Acme")


@pytest.fixture
def table(acme: Tenant) -> str:
    """Return Acme's empty ds_orders."""
    return make_table(acme)


def a_run(tenant: Tenant, inbox: Path, ir: dict[str, Any] | None = None, **given: Any) -> PipelineRun:
    """Drop a file of a thousand orders and dispatch a run for it, due now."""
    drop(inbox, "orders.csv", ROWS)
    return dispatched_run(make_pipeline(tenant, ir), timezone.now(), **given)


def kill_at(gate: Gate, worker: Worker, *, rolled_back: bool = True) -> None:
    """Kill the worker once it waits at the gate; the server then rolls back what it had begun, or ends it."""
    wait_until(gate.is_reached)
    worker.kill()
    if rolled_back:
        gate.terminate_waiting()
    gate.lift()


def lapse(run: PipelineRun) -> None:
    """Let the dead worker's lease have run out."""
    PipelineRun.objects.for_tenant(run.tenant_id).filter(pk=run.pk).update(lease_until=timezone.now())


def see_through(run: PipelineRun) -> PipelineRun:
    """Let the lease run out, go once over what waits as a worker does, and return the run as it is then."""
    lapse(run)
    work_off_flows(now=timezone.now(), budget=soon())
    return fresh(run)


def expect_once(run: PipelineRun, inbox: Path, table: str) -> None:
    """Require that the rows are there once, the file is in the archive once, and that was told once."""
    archived = [f".archive/{run.committed_at:%Y-%m-%d}/orders.csv"]
    assert (run.status, run.rows_out, rows_in(table) == ROWS) == ("completed", 1_000, True)
    assert (files_below(inbox), states(run)[-1]) == (archived, ("orders.csv", "archived"))
    told = [(topic, payload["rowsOut"]) for topic, payload in events(run.pipeline.tenant)]
    assert told == [("pipeline.run.completed.v1", 1_000)]
    assert fresh(run).claim_token is None


# --- before the commit


@pytest.mark.parametrize(
    ("held", "lay"),
    [
        pytest.param("NEW.state = 'staged'", [".processing/orders.csv"], id="after the move, before its row"),
    ],
)
def test_killed_while_it_stages_the_file_goes_back_and_the_run_begins_again(
    acme: Tenant, inbox: Path, table: str, held: str, lay: list[str]
) -> None:
    run = a_run(acme, inbox)
    with gate_in(at(BEFORE_UPDATE, held), FILES) as gate, flow_worker(inbox) as worker:
        kill_at(gate, worker)
    at_the_kill = (fresh(run).status, files_below(inbox), rows_in(table))

    after = see_through(run)

    assert at_the_kill == ("running", lay, [])
    expect_once(after, inbox, table)
    assert after.deaths == 1


def test_killed_between_the_row_and_the_move_the_file_was_never_away(acme: Tenant, inbox: Path, table: str) -> None:
    run = a_run(acme, inbox)
    # The row is written with the transaction; the move comes after it.
    claim = "CONSTRAINT TRIGGER flow_gate AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    with gate_in(claim, FILES) as gate, flow_worker(inbox) as worker:
        kill_at(gate, worker, rolled_back=False)
    at_the_kill = (states(run), files_below(inbox))

    after = see_through(run)

    assert at_the_kill == ([("orders.csv", "claimed")], ["orders.csv"])
    expect_once(after, inbox, table)


def test_killed_in_the_middle_of_reading_the_run_begins_again(acme: Tenant, inbox: Path, table: str) -> None:
    rows = [(number, 1.0) for number in range(400_000)]
    drop(inbox, "orders.csv", rows)
    run = dispatched_run(make_pipeline(acme), timezone.now())
    work = inbox.parent.parent / "work"
    # However late this process looks, the run has not committed.
    with gate_in(at(BEFORE_UPDATE, COMMITTING), RUNS) as gate, flow_worker(inbox) as worker:
        # The file is in the folder of the attempt, from which the engine reads: it begins to.
        wait_until(lambda: any(work.glob(f"run-{run.pk}-*/*")))
        worker.kill()
        gate.terminate_waiting()
        gate.lift()
    at_the_kill = (fresh(run).committed_at, files_below(inbox), rows_in(table))

    after = see_through(run)

    assert at_the_kill == (None, [".processing/orders.csv"], [])
    assert (after.status, after.rows_out, len(rows_in(table))) == ("completed", 400_000, 400_000)
    assert list(work.glob(f"run-{run.pk}-*")) == []


@contextmanager
def locked(table: str) -> Iterator[Gate]:
    """Hold a table from outside."""
    gate = Gate()
    try:
        gate.holder.autocommit = False
        gate.holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield gate
    finally:
        gate.holder.close()


def waits_for_a_lock() -> bool:
    """Tell whether somebody in this database waits for a lock."""
    with psycopg.connect(test_database_url(), autocommit=True) as other:
        row = other.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return bool(row and row[0])


def test_killed_while_it_waits_for_its_table_the_run_begins_again(acme: Tenant, inbox: Path, table: str) -> None:
    run = a_run(acme, inbox)
    with locked(table), flow_worker(inbox) as worker:
        wait_until(waits_for_a_lock)
        worker.kill()

    after = see_through(run)

    expect_once(after, inbox, table)


def test_killed_in_the_middle_of_the_copy_not_one_row_of_it_is_there(acme: Tenant, inbox: Path, table: str) -> None:
    run = a_run(acme, inbox)
    with gate_in(at(BEFORE_INSERT, "NEW.id = 500"), table) as gate, flow_worker(inbox) as worker:
        kill_at(gate, worker)
    at_the_kill = (rows_in(table), fresh(run).status, files_below(inbox))

    after = see_through(run)

    assert at_the_kill == ([], "running", [".processing/orders.csv"])
    expect_once(after, inbox, table)


def test_killed_in_its_commit_that_the_server_rolls_back_nothing_was_there(
    acme: Tenant, inbox: Path, table: str
) -> None:
    run = a_run(acme, inbox)
    with gate_in(at(AT_COMMIT, COMMITTING), RUNS) as gate, flow_worker(inbox) as worker:
        kill_at(gate, worker)
    at_the_kill = (rows_in(table), fresh(run).committed_at, events(acme), states(run))

    after = see_through(run)

    assert at_the_kill == ([], None, [], [("orders.csv", "staged")])
    expect_once(after, inbox, table)
    assert after.deaths == 1


# --- after it


def test_killed_in_its_commit_that_the_server_carries_out_the_rows_are_not_loaded_again(
    acme: Tenant, inbox: Path, table: str
) -> None:
    run = a_run(acme, inbox)
    with gate_in(at(AT_COMMIT, COMMITTING), RUNS) as gate, flow_worker(inbox) as worker:
        kill_at(gate, worker, rolled_back=False)
    at_the_kill = (len(rows_in(table)), fresh(run).committed_at is not None, files_below(inbox))

    after = see_through(run)

    assert at_the_kill == (1_000, True, [".processing/orders.csv"])
    expect_once(after, inbox, table)
    assert (after.deaths, after.attempt) == (0, 0)


@pytest.mark.parametrize(
    ("condition", "is_moved"),
    [
        pytest.param("OLD.state = 'committed' AND NEW.final_key <> OLD.final_key", False, id="before the archive"),
        pytest.param("OLD.state = 'committed' AND NEW.state = 'archived'", True, id="after the move to the archive"),
    ],
)
def test_killed_between_commit_and_archive_another_archives_and_completes(
    acme: Tenant, inbox: Path, table: str, condition: str, is_moved: bool
) -> None:
    run = a_run(acme, inbox)
    with gate_in(at(BEFORE_UPDATE, condition), FILES) as gate, flow_worker(inbox) as worker:
        kill_at(gate, worker)
    at_the_kill = (fresh(run).status, len(rows_in(table)), files_below(inbox)[0].startswith(".archive"))

    after = see_through(run)

    assert at_the_kill == ("running", 1_000, is_moved)
    expect_once(after, inbox, table)


def test_killed_before_it_said_that_it_was_done_another_says_so(acme: Tenant, inbox: Path, table: str) -> None:
    run = a_run(acme, inbox)
    done = at(BEFORE_UPDATE, "NEW.status = 'completed' AND OLD.status <> 'completed'")
    with gate_in(done, RUNS) as gate, flow_worker(inbox) as worker:
        kill_at(gate, worker)

    after = see_through(run)

    expect_once(after, inbox, table)


# --- on the way to another end


def failing_ir() -> dict[str, Any]:
    """Return a pipeline whose cast fails at the last row."""
    ir = plain_ir()
    ir["nodes"][1]["ops"] = [{"op": "cast", "field": "amount", "to": "bigint", "onError": "fail"}]
    return ir


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("NEW.final_key LIKE '%/.failed/%' AND OLD.final_key = ''", id="before a file is set aside"),
        pytest.param("NEW.state = 'failed'", id="after a file was set aside"),
    ],
)
def test_killed_while_it_fails_all_of_its_files_are_set_aside(
    acme: Tenant, inbox: Path, table: str, condition: str
) -> None:
    drop(inbox, "a.csv", [(1, 1)])
    drop(inbox, "b.csv", [(2, "many")])
    run = dispatched_run(make_pipeline(acme, failing_ir()), timezone.now())
    with gate_in(at(BEFORE_UPDATE, condition), FILES) as gate, flow_worker(inbox) as worker:
        kill_at(gate, worker)
    at_the_kill = (fresh(run).status, fresh(run).ending)

    after = see_through(run)

    assert at_the_kill == ("running", "failed")
    assert (after.status, rows_in(table), files_below(inbox)) == ("failed", [], [".failed/a.csv", ".failed/b.csv"])
    assert [topic for topic, _ in events(acme)] == ["pipeline.run.failed.v1"]
    assert open_alerts(acme) == {"Pipeline Orders failed": 1}


def test_killed_while_files_go_back_they_go_back_all_the_same(acme: Tenant, inbox: Path, table: str) -> None:
    run = a_run(acme, inbox)
    with gate_in(at(BEFORE_INSERT, "NEW.id = 500"), table) as gate, flow_worker(inbox) as worker:
        kill_at(gate, worker)
    lapse(run)
    with gate_in(at(BEFORE_UPDATE, "NEW.state = 'restored'"), FILES) as gate, flow_worker(inbox) as worker:
        kill_at(gate, worker)

    after = see_through(run)

    expect_once(after, inbox, table)
    assert after.deaths == 2


def test_a_cancelled_run_whose_worker_dies_is_cancelled(acme: Tenant, inbox: Path, table: str) -> None:
    run = a_run(acme, inbox)
    with gate_in(at(BEFORE_INSERT, "NEW.id = 500"), table) as gate, flow_worker(inbox) as worker:
        wait_until(gate.is_reached)
        worker.kill()
        cancel_run(tenant=acme, run_id=run.pk, actor=SYSTEM, now=timezone.now())
        gate.terminate_waiting()
        gate.lift()

    after = see_through(run)

    assert (after.status, rows_in(table), files_below(inbox)) == ("cancelled", [], ["orders.csv"])


# --- stopped, and two at once


def test_a_cancel_stops_a_copy_in_its_middle(acme: Tenant, inbox: Path, table: str) -> None:
    run = a_run(acme, inbox)
    with gate_in(at(BEFORE_INSERT, "NEW.id = 500"), table) as gate, flow_worker(inbox) as worker:
        wait_until(gate.is_reached)
        cancel_run(tenant=acme, run_id=run.pk, actor=SYSTEM, now=timezone.now())
        wait_until(lambda: fresh(run).status == "cancelled")
        worker.finish()

    assert (rows_in(table), files_below(inbox), fresh(run).error) == ([], ["orders.csv"], "Cancelled by system.")


def test_a_worker_that_is_asked_to_end_gives_its_run_back(acme: Tenant, inbox: Path, table: str) -> None:
    run = a_run(acme, inbox)
    with (
        gate_in(at(BEFORE_INSERT, "NEW.id = 500"), table) as gate,
        flow_worker(inbox, "--idle-seconds", "0.1") as first,
    ):
        wait_until(gate.is_reached)
        first.stop()
        given_back = (fresh(run).status, fresh(run).deaths, files_below(inbox))

    work_off_flows(now=timezone.now(), budget=soon())

    assert given_back == ("pending", 0, ["orders.csv"])
    expect_once(fresh(run), inbox, table)


def test_two_workers_make_every_run_once(acme: Tenant, inbox: Path, table: str) -> None:
    pipelines = [_of_its_own(acme, inbox, number) for number in range(6)]
    asked = [dispatched_run(pipeline, timezone.now()) for pipeline in pipelines]

    with flow_worker(inbox) as one, flow_worker(inbox) as other:
        one.finish()
        other.finish()

    assert [fresh(run).status for run in asked] == ["completed"] * 6
    assert rows_in(table) == [(number, 0.0) for number in range(6)]


def _of_its_own(tenant: Tenant, inbox: Path, number: int) -> Pipeline:
    """Return a pipeline over a file of its own in the inbox that all of them read."""
    drop(inbox, f"{number}.csv", [(number, 0)])
    ir = plain_ir()
    ir["nodes"][0]["config"]["pattern"]["value"] = f"{number}.csv"
    return make_pipeline(tenant, ir, name=f"P{number}")


def test_a_worker_that_is_frozen_in_its_copy_holds_up_nobody_and_commits_nothing(
    acme: Tenant, inbox: Path, table: str
) -> None:
    ir = plain_ir()
    ir["nodes"][2]["loadMode"] = "truncate"
    run = a_run(acme, inbox, ir, overlap="queue")
    with gate_in(at(BEFORE_INSERT, "NEW.id = 500"), table) as gate, flow_worker(inbox) as worker:
        wait_until(gate.is_reached)
        worker.freeze()
        lapse(run)
        recover_runs(now=timezone.now(), scope=Scope(worker="another"), budget=soon())
        wait_until(lambda: not gate.is_reached())
        gate.lift()
        work_off_flows(now=timezone.now(), budget=soon())
        done = fresh(run)
        worker.thaw()
        worker.process.communicate(timeout=60)

    expect_once(done, inbox, table)
    assert (done.deaths, fresh(run).status, rows_in(table) == ROWS) == (1, "completed", True)
