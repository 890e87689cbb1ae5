"""A run from its files to the commit of its rows, and every way in which it can end."""

import copy
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from django.db import connection, connections

from flows.decisions.vocabulary import FileState
from flows.ir.parsing import parse_pipeline_ir
from flows.models import Connector, Pipeline, PipelineRun, RunError, RunFile, RunLogLine
from flows.selectors import errors_of, progress_of
from flows.services import cancel_run
from flows.services.attempting import Attempt
from flows.services.claims import Scope, take_over
from flows.services.files import Hand
from flows.services.progressing import Progress
from flows.services.pulse import Pulse
from flows.services.running import WorkPass, make_run, work_off_flows
from flows.services.sourcing import find_files, opened_sources
from flows.services.work_folders import work_folder
from flows.storage.base import StorageError
from kaireon.platform.notifications.services.dispatch import running_clock
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.chaos.processes import wait_until
from tests.flows.pipeline_world import orders_ir
from tests.flows.runs.world import (
    MINUTE,
    NOW,
    SECOND,
    claimed,
    dispatched_run,
    drop,
    events,
    files_below,
    fresh,
    fresh_pipeline,
    log_of,
    make_pipeline,
    make_table,
    open_alerts,
    plain_ir,
    rows_in,
    soon,
    states,
    with_wait_policy,
)

pytestmark = pytest.mark.django_db(transaction=True)


def work(now: Any = NOW, **scope: Any) -> int:
    """Make every run that may begin now."""
    return work_off_flows(now=now, budget=soon(), **scope)


@pytest.fixture
def table(acme: Tenant) -> str:
    """Return Acme's empty ds_orders."""
    return make_table(acme)


def run_of(pipeline: Pipeline, now: Any = NOW, **given: Any) -> PipelineRun:
    """Dispatch a run, make it, and return it as it is then."""
    run = dispatched_run(pipeline, now, **given)
    work(now)
    return fresh(run)


# --- it goes well


def test_rows_are_in_the_table_and_the_file_is_in_the_archive(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2.5), (2, 3)])

    run = run_of(make_pipeline(acme))

    assert (run.status, run.stage, run.error) == ("completed", "done", "")
    assert rows_in(table) == [(1, 2.5), (2, 3.0)]
    assert (files_below(inbox), states(run)) == ([".archive/2026-04-17/a.csv"], [("a.csv", "archived")])
    assert (run.rows_in, run.rows_out, run.failed_rows, run.total_rows, run.processed_rows) == (2, 2, 0, 2, 2)


def test_the_run_tells_its_stages_its_log_and_its_sql(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])

    run = run_of(make_pipeline(acme))

    passed = [each["stage"] for each in run.stages]
    assert passed == ["listing", "staging", "reading", "transforming", "loading", "archiving"]
    assert all(each["startedAt"] <= each["finishedAt"] for each in run.stages)
    assert (run.metadata["engine"], run.metadata["irVersion"], run.metadata["targetRows"]) == ("duckdb", 1, {"out": 1})
    assert "info done: completed: 1 rows loaded of 1 read, 0 set aside" in log_of(run)
    assert {"src", "typed"} <= run.metadata["sqlSnippets"].keys() | {"src"}


def test_the_event_of_a_completed_run_leaves_once(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])

    run = run_of(make_pipeline(acme))

    assert [(topic, payload["runId"], payload["status"], payload["rowsOut"]) for topic, payload in events(acme)] == [
        ("pipeline.run.completed.v1", str(run.pk), "completed", 1)
    ]


def test_the_first_load_makes_the_pipeline_active(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    pipeline = make_pipeline(acme)

    run_of(pipeline)

    after = fresh_pipeline(pipeline)
    assert (pipeline.status, after.status, after.last_run_status) == ("draft", "active", "completed")


def test_the_connector_knows_when_it_last_gave_rows(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2), (3, 4)])
    connector = Connector.objects.create(tenant=acme, name="Here", type="local_fs", created_at=NOW, updated_at=NOW)

    run_of(make_pipeline(acme, connector=connector))

    after = Connector.objects.for_tenant(acme).get()
    assert (after.last_sync_row_count, after.last_sync_at is not None) == (2, True)


def test_many_files_are_one_run_in_their_order(acme: Tenant, inbox: Path, table: str) -> None:
    for number in range(5):
        drop(inbox, f"{number}.csv", [(number, number)])

    run = run_of(make_pipeline(acme))

    assert (run.rows_out, len(run.partitions), {each["status"] for each in run.partitions}) == (5, 5, {"read"})
    assert [each["name"] for each in run.partitions] == [f"{number}.csv" for number in range(5)]
    assert set(states(run)) == {(f"{number}.csv", "archived") for number in range(5)}


def test_rows_are_counted_where_they_are_read_as_they_stream(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(number, number) for number in range(10)])
    ir = plain_ir()
    ir["nodes"][1]["ops"].append({"op": "filter", "expr": "amount >= 8"})

    run = run_of(make_pipeline(acme, ir))

    assert (run.rows_in, run.total_rows, run.rows_out, run.partitions[0]["rows"]) == (10, 10, 2, 10)
    assert "looking at each" not in log_of(run)


def test_rows_that_break_rules_are_set_aside_and_the_run_says_so(acme: Tenant, inbox: Path) -> None:
    table = _orders_table(acme)
    (inbox / "orders.csv").write_text("order_id,customer,amount\n1,Ann,10.5\n2,Bob,-3\n3,Cid,7\n4,Dee,many\n")

    run = run_of(make_pipeline(acme, orders_ir()))

    assert (run.status, run.rows_out, run.failed_rows, run.rows_in) == ("completed_with_errors", 2, 2, 4)
    assert set(run.metadata["quarantineTables"].values()) == {"dlq.orders"}
    found = {(each.node_id, each.column) for each in errors_of(run)}
    assert found == {("clean", "amount"), ("check", "amount")}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (2,)


def _orders_table(tenant: Tenant) -> str:
    table = make_table(tenant)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {table}")
        cursor.execute(f"CREATE TABLE {table} (order_id text, customer text, amount double precision)")
    return table


def test_every_row_read_is_written_set_aside_or_left_out(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 1), (1, 1), (2, 20), (3, "many"), (4, 4), (5, -5)])
    ir = plain_ir()
    ir["nodes"][1]["ops"] += [
        {"op": "filter", "expr": "amount < 10"}, {"op": "deduplicate", "keys": ["id"], "keep": "first"},
    ]  # fmt: skip

    run = run_of(make_pipeline(acme, ir))

    assert (run.rows_in, run.rows_out, run.failed_rows, run.skipped_rows) == (6, 3, 1, 2)
    assert [(each.row, each.value) for each in errors_of(run)] == [(None, "many")]


def test_rows_that_cannot_be_read_are_told_with_their_line(acme: Tenant, inbox: Path, table: str) -> None:
    (inbox / "a.csv").write_text("id,amount\n1,2\n3,4,5,6\n7,8\n")

    run = run_of(make_pipeline(acme))

    assert (run.status, run.rows_in, run.rows_out, run.failed_rows) == ("completed_with_errors", 3, 2, 1)
    assert (run.partitions[0]["rows"], "looking at each" in log_of(run)) == (3, True)
    (bad,) = errors_of(run)
    assert (bad.node_id, bad.rule_id, bad.row, bad.file.endswith("a.csv")) == ("src", "unreadable", 3, True)
    assert run.metadata["quarantineTables"] == {"src": "dlq.ds_orders_rejects"}


def test_without_a_dead_letter_queue_a_rejected_row_fails_the_run(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, "many")])
    ir = plain_ir()
    ir["errorHandling"]["dlq"]["enabled"] = False

    run = run_of(make_pipeline(acme, ir))

    assert (run.status, rows_in(table), files_below(inbox)) == ("failed", [], [".failed/a.csv"])


# --- it fails


def test_a_failed_run_leaves_no_row_and_its_file_is_set_aside(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    ir = plain_ir()
    ir["nodes"][2]["schema"] = "public.ds_nowhere"

    run = run_of(make_pipeline(acme, ir))

    assert (run.status, run.error_node, "ds_nowhere" in run.error) == ("failed", "out", True)
    assert (files_below(inbox), run.error_id is not None, run.attempt) == ([".failed/a.csv"], True, 1)
    assert [topic for topic, _ in events(acme)] == ["pipeline.run.failed.v1"]
    assert "error done: " in log_of(run)


def test_a_row_of_failures_is_told_once_and_ends_with_the_next_success(acme: Tenant, inbox: Path, table: str) -> None:
    ir = plain_ir()
    ir["nodes"][1]["ops"][0]["onError"] = "fail"
    pipeline = make_pipeline(acme, ir)
    for number in range(3):
        drop(inbox, "a.csv", [("many", 2)])
        run_of(pipeline, NOW + number * MINUTE)
    failing = open_alerts(acme)
    drop(inbox, "a.csv", [(1, 2)])

    run_of(pipeline, NOW + 9 * MINUTE)

    assert (failing, open_alerts(acme)) == ({"Pipeline Orders failed": 3}, {})


def test_a_retry_loads_the_file_that_the_failed_run_set_aside(acme: Tenant, inbox: Path) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    pipeline = make_pipeline(acme)
    failed = run_of(pipeline)
    table = make_table(acme)

    again = run_of(pipeline, NOW + MINUTE, retry_of=failed, trigger_source="retry")

    assert (failed.status, again.status, rows_in(table)) == ("failed", "completed", [(1, 2.0)])
    assert files_below(inbox) == [".archive/2026-04-17/a.csv"]


def test_what_may_pass_is_tried_again_after_growing_waits(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    run = dispatched_run(make_pipeline(acme, plain_ir(maxAttempts=3, initialSeconds=60)))
    with refusing(table):
        work(NOW)
        first = fresh(run)
        back = files_below(inbox)
        early = work(NOW + 59 * SECOND)
        work(first.not_before + SECOND)
        second = fresh(run)

    work(second.not_before + SECOND)

    assert (first.status, first.attempt, back, early) == ("pending", 1, ["a.csv"], 0)
    assert [(each.not_before - NOW) // MINUTE for each in (first, second)] == [1, 3]
    assert (fresh(run).status, rows_in(table)) == ("completed", [(1, 2.0)])
    assert ("no room" in first.error, fresh(run).error, fresh(run).error_id) == (True, "", None)


def test_after_its_last_try_it_fails(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    run = dispatched_run(make_pipeline(acme, plain_ir(maxAttempts=2, initialSeconds=1)))
    with refusing(table):
        work(NOW)
        work(NOW + MINUTE)

    assert (fresh(run).status, fresh(run).attempt, files_below(inbox)) == ("failed", 2, [".failed/a.csv"])


class refusing:  # noqa: N801 - reads as what the table is doing
    """Let a table refuse rows as a server does that runs out of room: it passes."""

    def __init__(self, table: str) -> None:
        self.table = table

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"""CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$;
                CREATE TRIGGER refuse BEFORE INSERT ON {self.table} FOR EACH ROW EXECUTE FUNCTION refuse()"""
            )

    def __exit__(self, *raised: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER refuse ON {self.table}; DROP FUNCTION refuse()")


def test_a_version_that_can_no_longer_be_read_fails_the_run(acme: Tenant, inbox: Path, table: str) -> None:
    run = run_of(make_pipeline(acme, {"kind": "pipeline"}))

    assert (run.status, bool(run.error)) == ("failed", True)


def test_a_folder_outside_of_the_roots_fails_the_run(acme: Tenant, inbox: Path, table: str) -> None:
    ir = plain_ir()
    ir["nodes"][0]["config"]["path"] = "/etc"

    run = run_of(make_pipeline(acme, ir))

    assert (run.status, "FLOW_LOCAL_FS_ROOTS" in run.error, run.error_node) == ("failed", True, "src")


# --- no file


@pytest.mark.parametrize(
    ("action", "status", "alerts"),
    [
        ("skip", "completed", {}),
        ("alert", "completed", {"No file came for pipeline Orders": 1}),
        ("fail", "failed", {"Pipeline Orders failed": 1}),
    ],
)
def test_a_source_without_files_does_what_its_policy_says(
    acme: Tenant, inbox: Path, table: str, action: str, status: str, alerts: dict[str, int]
) -> None:
    run = run_of(make_pipeline(acme, with_wait_policy(plain_ir(), onMissAction=action)))

    assert (run.status, run.rows_out, open_alerts(acme)) == (status, 0, alerts)
    assert (run.error.startswith("file arrival deadline missed")) is (action == "fail")


def test_a_source_is_looked_at_again_before_it_is_given_up(acme: Tenant, inbox: Path, table: str) -> None:
    ir = with_wait_policy(plain_ir(), maxRetries=2, intervalMinutes=5, onMissAction="fail")
    run = dispatched_run(make_pipeline(acme, ir))
    seen = []
    for minute in (0, 4, 6, 12):
        work(NOW + minute * MINUTE)
        seen.append((fresh(run).status, fresh(run).looks))

    assert seen == [("pending", 1), ("pending", 1), ("pending", 2), ("failed", 2)]


def test_a_file_that_comes_while_a_run_waits_is_loaded(acme: Tenant, inbox: Path, table: str) -> None:
    run = dispatched_run(make_pipeline(acme, with_wait_policy(plain_ir(), maxRetries=1, onMissAction="fail")))
    work(NOW)
    drop(inbox, "a.csv", [(1, 2)])

    work(NOW + 6 * MINUTE)

    assert (fresh(run).status, rows_in(table)) == ("completed", [(1, 2.0)])


def test_a_miss_that_is_told_ends_with_the_next_files(acme: Tenant, inbox: Path, table: str) -> None:
    pipeline = make_pipeline(acme, with_wait_policy(plain_ir(), onMissAction="alert"))
    missed = run_of(pipeline)
    drop(inbox, "a.csv", [(1, 2)])

    run_of(pipeline, NOW + MINUTE)

    assert (missed.status, fresh_pipeline(pipeline).status, open_alerts(acme)) == ("completed", "active", {})


def test_a_control_file_goes_where_the_data_goes(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    (inbox / "orders.done").write_text("")
    control = {"controlFile": {"nodeId": "src", "key": str(inbox / "orders.done")}}

    run = run_of(make_pipeline(acme), parameters=control)

    assert (run.status, rows_in(table)) == ("completed", [(1, 2.0)])
    assert files_below(inbox) == [".archive/2026-04-17/a.csv", ".archive/2026-04-17/orders.done"]


# --- it is stopped


def test_a_run_that_was_cancelled_keeps_nothing_and_its_file_goes_back(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    claim, run = claimed(make_pipeline(acme))
    cancel_run(tenant=acme, run_id=run.pk, actor=SYSTEM, now=NOW)

    make_run(claim=claim, clock=lambda: NOW)

    after = fresh(run)
    assert (after.status, after.error, rows_in(table)) == ("cancelled", "Cancelled by system.", [])
    assert (files_below(inbox), states(run), open_alerts(acme)) == (["a.csv"], [("a.csv", "restored")], {})


def test_a_worker_that_ends_gives_its_run_back_at_once(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    run = dispatched_run(make_pipeline(acme))

    with held(table):
        _work_with(is_ending=lambda: True, run=run)

    assert (fresh(run).status, fresh(run).attempt, fresh(run).deaths) == ("pending", 0, 0)
    assert (files_below(inbox), rows_in(table)) == (["a.csv"], [])


def _work_with(*, is_ending: Callable[[], bool], run: PipelineRun) -> None:
    claim, _ = _claim_of(run)
    make_run(claim=claim, clock=running_clock(NOW), is_ending=is_ending)


def _claim_of(run: PipelineRun) -> Any:
    work_pass = WorkPass(soon(), running_clock(NOW), Scope(run_ids=[run.pk]))
    claim = work_pass._claim()
    assert claim is not None
    return claim, run


class held:  # noqa: N801 - reads as what is done to the table
    """Hold a table from another connection, so that a load waits for it."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.other = connection.copy()

    def __enter__(self) -> Self:
        self.other.set_autocommit(False)
        with self.other.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {self.table} IN ACCESS EXCLUSIVE MODE")
        return self

    def is_waited_for(self) -> bool:
        """Tell whether another session waits for the table."""
        with self.other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [self.table])
            return bool(cursor.fetchone()[0])

    def __exit__(self, *raised: object) -> None:
        self.other.rollback()
        self.other.close()


def test_a_run_is_stopped_in_the_middle_of_a_statement_when_its_time_is_over(
    acme: Tenant, inbox: Path, table: str
) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    run = dispatched_run(make_pipeline(acme, execution_config={"timeLimitSeconds": 2}))

    with held(table):
        work()

    assert (fresh(run).status, "time limit of 2 s" in fresh(run).error) == ("failed", True)
    assert (rows_in(table), files_below(inbox)) == ([], [".failed/a.csv"])


# --- the rest


def test_one_runs_failure_stops_no_others(acme: Tenant, globex: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    bad = dispatched_run(make_pipeline(globex, {"kind": "nonsense"}))
    good = dispatched_run(make_pipeline(acme))

    touched = work()

    assert (touched, fresh(bad).status, fresh(good).status) == (2, "failed", "completed")


def test_a_pass_takes_only_what_it_was_told_to(acme: Tenant, globex: Tenant, inbox: Path) -> None:
    run, other = dispatched_run(make_pipeline(acme)), dispatched_run(make_pipeline(globex))

    work(run_ids=[run.pk])
    work(tenant_id=acme.pk)

    assert (fresh(run).status, fresh(other).status) == ("completed", "pending")


def test_a_run_taken_over_by_another_is_left_alone(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    _, run = claimed(make_pipeline(acme))
    other = take_over(now=NOW + MINUTE, scope=Scope(run_ids=[run.pk]))

    assert other is not None
    assert work(NOW + MINUTE) == 0
    assert (fresh(run).status, fresh(run).claim_token) == ("running", other.token)


def test_progress_has_the_documented_shape(acme: Tenant, inbox: Path, table: str) -> None:
    (inbox / "a.csv").write_text("id,amount\n1,2\n3,4,5,6\n7,8\n")
    run = run_of(make_pipeline(acme))

    told = progress_of(run, now=NOW + MINUTE)

    assert {
        "status", "totalRows", "processedRows", "rowsIn", "rowsOut", "failedRows", "skippedRows", "partitions",
        "completedPartitions", "partitionDetails", "validationErrors", "eta", "durationMs", "loadStrategy", "log",
    } <= told.keys()  # fmt: skip
    assert (told["status"], told["partitions"], told["completedPartitions"]) == ("completed_with_errors", 1, 1)
    assert (told["validationErrors"][0]["row"], told["eta"]) == (3, None)
    assert told["log"][0].keys() >= {"stage", "message", "timestamp"}


def test_progress_of_a_run_under_way_tells_when_it_is_done(acme: Tenant) -> None:
    _, run = claimed(make_pipeline(acme))
    run.processed_rows, run.total_rows = 25, 100

    told = progress_of(run, now=NOW + MINUTE)

    assert (told["eta"], told["durationMs"], told["errorId"]) == ("3m", 60_000, None)


def test_lines_errors_and_files_go_with_their_run(acme: Tenant, inbox: Path, table: str) -> None:
    (inbox / "a.csv").write_text("id,amount\n1,2,3\n")
    run = run_of(make_pipeline(acme))
    kinds = (RunLogLine, RunError, RunFile)
    before = [kind.objects.for_tenant(acme).filter(run=run).exists() for kind in kinds]

    run.delete()

    assert (before, [kind.objects.for_tenant(acme).exists() for kind in kinds]) == ([True] * 3, [False] * 3)


def test_states_of_files_are_open_until_the_file_lies_where_it_belongs() -> None:
    assert [state.value for state in FileState if state.is_open] == ["claimed", "staged", "committed"]


def long_ir() -> dict[str, Any]:
    """Return a pipeline whose join makes billions of rows, of which it keeps their number."""
    ir = plain_ir()
    left, right = ir["nodes"][0], copy.deepcopy(ir["nodes"][0])
    left["config"]["pattern"]["value"], right["config"]["pattern"]["value"] = "left.csv", "right.csv"
    right["id"] = "other"
    both = {"id": "both", "kind": "join", "left": "src", "right": "other", "on": [{"left": "id", "right": "id"}]}
    count = [{"op": "aggregate", "groupBy": [], "measures": [{"as": "id", "fn": "count"}]}]
    typed = {"id": "typed", "kind": "transform", "input": "both", "ops": count}
    ir["nodes"] = [left, right, both, typed, ir["nodes"][2]]
    return ir


def test_a_cancel_stops_the_engine_in_the_middle_of_a_query(acme: Tenant, inbox: Path, table: str) -> None:
    for name in ("left.csv", "right.csv"):
        drop(inbox, name, [(1, number) for number in range(100_000)])
    run = dispatched_run(make_pipeline(acme, long_ir()))

    def cancel() -> None:
        try:
            wait_until(lambda: fresh(run).stage in {"transforming", "loading"})
            cancel_run(tenant=acme, run_id=run.pk, actor=SYSTEM, now=NOW)
        finally:
            connection.close()

    other = threading.Thread(target=cancel)
    other.start()
    work()
    other.join(30)

    assert (fresh(run).status, fresh(run).committed_at, rows_in(table)) == ("cancelled", None, [])
    assert files_below(inbox) == ["left.csv", "right.csv"]


def test_a_file_that_changes_while_it_is_read_fails_the_run(acme: Tenant, inbox: Path, table: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    run = dispatched_run(make_pipeline(acme))

    with held(table) as holder:
        worker = threading.Thread(target=work_in_a_thread)
        worker.start()
        wait_until(holder.is_waited_for)
        with next((inbox / ".processing").iterdir()).open("a") as still_writing:
            still_writing.write("3,4\n")
    worker.join(30)

    assert (fresh(run).status, "changed while it was read" in fresh(run).error) == ("failed", True)
    assert (rows_in(table), files_below(inbox)) == ([], [".failed/a.csv"])


def test_a_file_that_grew_after_it_was_listed_is_not_read(acme: Tenant, inbox: Path, table: str) -> None:
    file = drop(inbox, "a.csv", [(1, 2)])
    claim, run = claimed(make_pipeline(acme, plain_ir(maxAttempts=2)))
    progress = Progress(run, lambda: NOW)
    attempt = Attempt(claim, run, progress, Pulse(claim, progress, lambda: NOW, seconds=60), lambda: NOW)
    with opened_sources(run, parse_pipeline_ir(plain_ir())) as sources, work_folder(run) as folder:
        source = sources["src"]
        listed = find_files(run, source, at=NOW)
        file.write_text(file.read_text() + "3,4\n")
        rows = Hand(claim, run, lambda: NOW, lambda: None).take(source, listed)

        with pytest.raises(StorageError, match="changed while it was taken") as refusal:
            attempt._fetch(source, rows, folder)

    assert refusal.value.is_transient


def work_in_a_thread() -> None:
    """Work off what waits, with a connection of this thread's own."""
    try:
        work()
    finally:
        connections.close_all()
