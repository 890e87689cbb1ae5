"""What a failure of a run means: its words, its node, and whether the same may go well later."""

import logging
from typing import Any

import duckdb
import psycopg
import pytest
from django.db import OperationalError

from flows.engines.base import EngineError
from flows.formats.base import UnreadableFile
from flows.ir.problems import IrInvalid, IrProblem
from flows.models import PipelineRun
from flows.services.failures import LONGEST_ERROR, RunRefused, failure_of, log_failure
from flows.storage.base import StorageError
from flows.targets.base import TargetRefused
from kaireon.platform.ids import new_id


def from_server(state: str) -> OperationalError:
    """Return an error as Django raises it for what the server refused with this state."""
    error = OperationalError("refused\nDETAIL: more")
    cause = psycopg.errors.lookup(state)("refused")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words", "node", "passes"),
    [
        pytest.param(StorageError("away", is_transient=True), "away", "at", True, id="store that is away"),
        pytest.param(StorageError("no such bucket"), "no such bucket", "at", False, id="store that refuses"),
        pytest.param(EngineError("bad", node_id="typed"), "bad", "typed", False, id="engine"),
        pytest.param(TargetRefused("no table", node_id="out"), "no table", "out", False, id="target"),
        pytest.param(UnreadableFile("a.csv, line 3: ragged"), "a.csv, line 3: ragged", "at", False, id="file"),
        pytest.param(
            IrInvalid([IrProblem("nodes[0]", "wrong")], is_unreadable=False), "nodes[0]: wrong", "at", False, id="IR"
        ),
        pytest.param(RunRefused("gone", node_id="src"), "gone", "src", False, id="run"),
        pytest.param(from_server("40P01"), "PostgreSQL refused", "at", True, id="deadlock"),
        pytest.param(from_server("23505"), "PostgreSQL refused", "at", False, id="duplicate"),
        pytest.param(psycopg.errors.lookup("53100")("full"), "PostgreSQL refused", "at", True, id="disk full"),
        pytest.param(duckdb.OutOfMemoryException("m"), "FLOW_MEMORY_LIMIT_MB", "at", False, id="memory"),
        pytest.param(duckdb.InvalidInputException("page"), "cannot be read", "at", False, id="broken page"),
        pytest.param(ValueError("odd\nmore"), "ValueError: odd", "at", False, id="a mistake of ours"),
    ],
)
def test_a_failure_has_words_a_node_and_a_chance(error: Exception, words: str, node: str, passes: bool) -> None:
    failure = failure_of(error, node_id="at")

    assert words in failure.message
    assert (failure.node_id, failure.is_transient, "\n" in failure.message) == (node, passes, False)


def test_what_no_text_in_the_database_can_hold_is_left_out() -> None:
    failure = failure_of(EngineError(f"bad \x00 cell {'x' * LONGEST_ERROR}"))

    assert ("\x00" in failure.message, len(failure.message)) == (False, LONGEST_ERROR)


@pytest.mark.parametrize(
    ("error", "level", "has_trace"),
    [(EngineError("bad"), "WARNING", False), (ValueError("odd"), "ERROR", True)],
    ids=["a refusal", "a mistake of ours"],
)
def test_only_what_nobody_knows_is_logged_with_its_trace(
    error: Exception, level: str, has_trace: bool, caplog: pytest.LogCaptureFixture
) -> None:
    failure = failure_of(error)

    with caplog.at_level(logging.WARNING):
        log_failure(PipelineRun(id=new_id(), tenant_id=new_id(), pipeline_id=new_id()), failure, error)

    (record,) = caplog.records
    found: Any = record.__dict__
    assert (record.levelname, record.exc_info is not None) == (level, has_trace)
    assert found["errorId"] == str(failure.error_id)
