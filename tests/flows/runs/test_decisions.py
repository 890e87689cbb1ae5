"""How runs are held, tried again and told, as tables."""

from datetime import timedelta
from typing import Any

import pytest

from flows.decisions.events import EndedRun, run_payload
from flows.decisions.progress import enter_stage, eta_seconds, eta_words, leave_stage, note_figures
from flows.decisions.retries import (
    is_passing_state,
    is_tried_again,
    wait_before,
    wait_before_clearing,
)
from flows.decisions.routes import quarantine_table, source_of
from flows.decisions.runs import cancelled_by, occurrence_of, status_after, time_limit_of
from flows.decisions.vocabulary import RunStatus, Stage
from flows.ir.parsing import parse_pipeline_ir
from flows.ir.pipeline import Retry
from kaireon.platform.ids import new_id
from tests.flows.pipeline_world import orders_ir
from tests.flows.runs.world import MINUTE, NOW, SECOND, plain_ir

EXPONENTIAL = Retry.model_validate({"backoff": "exponential", "initialSeconds": 30})
FIXED = Retry.model_validate({"backoff": "fixed", "initialSeconds": 30})


@pytest.mark.parametrize(
    ("retry", "failures", "seconds"),
    [
        pytest.param(EXPONENTIAL, 1, 30, id="first"),
        pytest.param(EXPONENTIAL, 2, 60, id="doubled"),
        pytest.param(EXPONENTIAL, 4, 240, id="again and again"),
        pytest.param(EXPONENTIAL, 15, 3_600, id="at most an hour"),
        pytest.param(EXPONENTIAL, 10_000, 3_600, id="however often"),
        pytest.param(FIXED, 9, 30, id="steady"),
    ],
)
def test_the_wait_before_another_try_grows_up_to_an_hour(retry: Retry, failures: int, seconds: int) -> None:
    assert wait_before(retry, failures=failures) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("is_transient", "failures", "most", "again"),
    [
        pytest.param(True, 1, 2, True, id="may pass"),
        pytest.param(True, 2, 2, False, id="no try left"),
        pytest.param(False, 1, 20, False, id="would be the same"),
    ],
)
def test_only_what_may_pass_is_tried_again(is_transient: bool, failures: int, most: int, again: bool) -> None:
    assert is_tried_again(is_transient=is_transient, failures=failures, max_attempts=most) is again


def test_moving_files_away_is_tried_again_after_growing_waits() -> None:
    assert [wait_before_clearing(tries) for tries in (1, 2, 3)] == [2 * SECOND, 4 * SECOND, 8 * SECOND]


@pytest.mark.parametrize(
    ("state", "passes"),
    [
        pytest.param("40P01", True, id="deadlock"),
        pytest.param("57P01", True, id="server ends"),
        pytest.param("08006", True, id="connection"),
        pytest.param("53100", True, id="disk full"),
        pytest.param("55P03", True, id="lock not available"),
        pytest.param("57014", False, id="cancelled statement"),
        pytest.param("23505", False, id="duplicate key"),
        pytest.param("42P01", False, id="no such table"),
        pytest.param("", False, id="unknown"),
    ],
)
def test_what_the_database_refuses_passes_or_does_not(state: str, passes: bool) -> None:
    assert is_passing_state(state) is passes


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        ({}, 3_600),
        ({"timeLimitSeconds": 60}, 60),
        ({"timeLimitSeconds": 0}, 3_600),
        ({"timeLimitSeconds": True}, 3_600),
        ({"timeLimitSeconds": "60"}, 3_600),
        ({"timeLimitSeconds": 10**9}, 3_600),
        (None, 3_600),
    ],
    ids=["unset", "given", "zero", "a yes", "text", "too long", "no config"],
)
def test_a_time_limit_is_an_hour_unless_a_sound_one_is_given(config: Any, seconds: int) -> None:
    assert time_limit_of(config) == seconds


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, NOW),
        ({"occurrenceAt": "2026-04-01T00:00:00+00:00"}, NOW.replace(day=1, hour=0)),
        ({"occurrenceAt": "2026-04-01T00:00:00"}, NOW),
        ({"occurrenceAt": "yesterday"}, NOW),
        ({"occurrenceAt": 7}, NOW),
        ([], NOW),
    ],
    ids=["none", "given", "without a zone", "words", "a number", "no object"],
)
def test_a_run_means_the_occurrence_it_was_asked_for(parameters: Any, expected: Any) -> None:
    assert occurrence_of(parameters, created_at=NOW) == expected


@pytest.mark.parametrize(
    ("done", "total", "elapsed", "words"),
    [
        pytest.param(0, 100, 5, None, id="nothing done"),
        pytest.param(1, 100, 5, None, id="too early"),
        pytest.param(50, None, 5, None, id="unknown total"),
        pytest.param(50, 100, 40, "40s", id="seconds"),
        pytest.param(25, 100, 60, "3m", id="minutes"),
        pytest.param(2, 100, 153, "2h 5m", id="hours"),
        pytest.param(50, 100, 7_200, "2h", id="full hours"),
        pytest.param(100, 100, 9, "0s", id="done"),
    ],
)
def test_the_time_left_follows_the_pace_so_far(done: int, total: int | None, elapsed: float, words: str | None) -> None:
    assert eta_words(eta_seconds(done=done, total=total, elapsed=elapsed)) == words


def test_a_stage_ends_when_the_next_begins() -> None:
    stages = enter_stage(enter_stage([], Stage.READING, at=NOW), Stage.LOADING, at=NOW + SECOND)

    assert [(each["stage"], each["finishedAt"]) for each in stages] == [
        ("reading", (NOW + SECOND).isoformat()),
        ("loading", None),
    ]


def test_a_stage_that_is_entered_twice_is_one() -> None:
    once = enter_stage([], Stage.READING, at=NOW)

    assert enter_stage(once, Stage.READING, at=NOW + SECOND) == once


def test_a_stage_keeps_its_figures_and_the_time_at_which_it_ended_first() -> None:
    stages = leave_stage(note_figures(enter_stage([], Stage.LOADING, at=NOW), rowsIn=5), at=NOW + SECOND, rowsOut=4)
    again = leave_stage(stages, at=NOW + MINUTE)

    assert (stages[0]["rowsIn"], stages[0]["rowsOut"]) == (5, 4)
    assert again[0]["finishedAt"] == (NOW + SECOND).isoformat()
    assert (note_figures([], rowsIn=1), leave_stage([], at=NOW)) == ([], [])


def test_a_run_with_rejected_rows_completes_with_errors() -> None:
    assert [status_after(failed_rows=count) for count in (0, 1)] == [
        RunStatus.COMPLETED,
        RunStatus.COMPLETED_WITH_ERRORS,
    ]


@pytest.mark.parametrize(
    ("name", "words"), [("Alice", "Cancelled by Alice."), ("", "Cancelled.")], ids=["a name", "no name"]
)
def test_who_cancelled_is_named_if_that_is_known(name: str, words: str) -> None:
    assert cancelled_by(name) == words


def test_rejected_rows_go_to_the_next_quarantine_downstream() -> None:
    ir = parse_pipeline_ir(orders_ir())

    assert [quarantine_table(ir, node) for node in ("src", "clean", "check")] == ["dlq.orders"] * 3


def test_without_a_quarantine_rejected_rows_go_beside_the_target() -> None:
    assert quarantine_table(parse_pipeline_ir(plain_ir()), "src") == "dlq.ds_orders_rejects"


def test_lineage_names_the_source_that_leads_to_a_target() -> None:
    assert source_of(parse_pipeline_ir(plain_ir()), "out") == "src"


def test_an_event_has_every_documented_key_also_without_an_error() -> None:
    ids = [new_id() for _ in range(3)]
    payload = run_payload(
        EndedRun(
            tenant_id=ids[0], pipeline_id=ids[1], pipeline_name="Orders", run_id=ids[2], ir_version=3,
            trigger_source="manual", status="completed", rows_in=5, rows_out=4, failed_rows=1, skipped_rows=0,
            started_at=None, ended_at=NOW,
        )
    )  # fmt: skip

    assert payload == {
        "tenantId": str(ids[0]), "pipelineId": str(ids[1]), "pipelineName": "Orders", "runId": str(ids[2]),
        "irVersion": 3, "triggerSource": "manual", "status": "completed", "rowsIn": 5, "rowsOut": 4, "failedRows": 1,
        "skippedRows": 0, "startedAt": None, "finishedAt": NOW.isoformat(), "error": None, "errorId": None,
        "timestamp": NOW.isoformat(),
    }  # fmt: skip
