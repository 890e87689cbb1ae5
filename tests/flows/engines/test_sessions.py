"""Sessions: what they may use, what they refuse, and what is left of them."""

import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.engines.base import EngineError
from flows.engines.opening import EngineSettings, open_session
from flows.formats.base import Column, ReadTable
from tests.flows.engines.world import NOW, Engine, chain, no_lookup, pipeline, put, source, target, transform


def test_the_environment_says_which_engine_and_how_much_of_the_machine() -> None:
    env = {
        "FLOW_ENGINE": "spark", "FLOW_MEMORY_LIMIT_MB": "1024", "FLOW_THREADS": "3", "FLOW_TEMP_DIR": "/big",
        "SPARK_REMOTE": "sc://spark:15002",
    }  # fmt: skip

    settings = EngineSettings.from_environment(env)

    assert settings == EngineSettings("spark", 1024, 3, Path("/big"), "sc://spark:15002")


def test_what_the_environment_leaves_out_is_duckdb_with_half_a_gigabyte() -> None:
    settings = EngineSettings.from_environment({"FLOW_ENGINE": "", "FLOW_THREADS": " "})

    assert (settings.engine, settings.memory_limit_mb) == ("duckdb", 512)
    assert settings.threads >= 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("FLOW_ENGINE", "polars"), ("FLOW_MEMORY_LIMIT_MB", "lots"), ("FLOW_MEMORY_LIMIT_MB", "8"), ("FLOW_THREADS", "0")],
    ids=["another engine", "no number", "too little memory", "no thread"],
)
def test_a_setting_that_cannot_be_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        EngineSettings.from_environment({name: value})


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("FROM read_text('/etc/hostname')", id="a file elsewhere"),
        pytest.param("COPY (SELECT 1) TO '/tmp/kaireon-escape.csv'", id="a file to write"),
        pytest.param("ATTACH '/tmp/kaireon-escape.db'", id="a database"),
        pytest.param("INSTALL httpfs", id="an extension"),
        pytest.param("SET enable_external_access = true", id="the lock"),
        pytest.param("SET memory_limit = '64GB'", id="the memory limit"),
        pytest.param("FROM 'https://example.org/x.csv'", id="the network"),
    ],
)
def test_a_session_opens_nothing_but_what_it_was_given(duck: Engine, statement: str) -> None:
    with duck.opened() as session, pytest.raises(duckdb.Error):
        session.duckdb.execute(statement).fetchall()


def test_a_session_reads_the_folders_that_it_was_given(duck: Engine) -> None:
    (duck.folder / "a.csv").write_text("x\n1\n")

    with duck.opened() as session:
        found = session.duckdb.execute(f"FROM read_csv('{duck.folder}/a.csv')").fetchall()

    assert found == [(1,)]


def test_nothing_of_a_session_is_left(duck: Engine) -> None:
    with duck.opened() as session:
        assert list(duck.folder.iterdir())

    assert list(duck.folder.iterdir()) == []
    session.close()


def test_a_session_runs_one_pipeline(duck: Engine) -> None:
    ir = chain(transform({"op": "add_field", "field": "b", "value": 1}))

    with duck.opened() as session:
        inputs = {"src": put(session, "src", {"a": ["1"]}, {})}
        session.execute(ir, inputs, now=NOW, lookup=no_lookup, on_node=lambda node, kind: None)

        with pytest.raises(EngineError, match="this session has run already"):
            session.execute(ir, inputs, now=NOW, lookup=no_lookup, on_node=lambda node, kind: None)


def test_a_query_is_interrupted_from_another_thread(duck: Engine) -> None:
    ops: list[dict[str, Any]] = [{"op": "deduplicate", "keys": ["a", "b"]}]
    began = threading.Event()

    def announce(node: str, kind: str) -> None:
        began.set()

    with duck.opened() as session:
        session.duckdb.execute(
            "CREATE VIEW src AS SELECT x.range AS a, y.range AS b FROM range(1000000) x, range(9999) y"
        )
        read = ReadTable("src", (Column("a", "BIGINT"), Column("b", "BIGINT")), None, 0)
        stopper = threading.Thread(target=_interrupt_until_done, args=(session, began, done := threading.Event()))
        stopper.start()

        try:
            with pytest.raises(EngineError):
                session.execute(chain(transform(*ops)), {"src": read}, now=NOW, lookup=no_lookup, on_node=announce)
        finally:
            done.set()
            stopper.join()


def _interrupt_until_done(session: Any, began: threading.Event, done: threading.Event) -> None:
    began.wait()
    while not done.wait(0.02):
        session.interrupt()


def test_more_rows_than_memory_spill_and_come_out_in_order(tmp_path: Path) -> None:
    engine = Engine("duckdb", tmp_path, memory_limit_mb=96)
    rows = 600_000
    ops: list[dict[str, Any]] = [
        {"op": "cast", "field": "n", "to": "bigint", "onError": "quarantine"},
        {"op": "deduplicate", "keys": ["n"]},
    ]

    with engine.opened() as session:
        session.duckdb.execute(
            f"CREATE VIEW src AS SELECT (range // 2)::VARCHAR AS n, repeat('x', 200) || range AS t FROM range({rows})"
        )
        read = ReadTable("src", (Column("n", "VARCHAR"), Column("t", "VARCHAR")), None, 0)
        execution = session.execute(
            chain(transform(*ops)), {"src": read}, now=NOW, lookup=no_lookup, on_node=lambda node, kind: None
        )
        numbers = [n for batch in execution.targets["out"].batches() for n in batch.column("n").to_pylist()]

    assert numbers == list(range(rows // 2))


def test_a_source_that_is_a_table_or_of_odd_types_comes_through(duck: Engine) -> None:
    with duck.opened() as session:
        session.duckdb.execute("CREATE TABLE src AS SELECT INTERVAL 3 DAY AS gap, [1, 2] AS list, 5 AS n")
        columns = (Column("gap", "INTERVAL"), Column("list", "INTEGER[]"), Column("n", "INTEGER"))
        execution = session.execute(
            pipeline(source("src"), target("out", "src")), {"src": ReadTable("src", columns, 1, 0)}, now=NOW,
            lookup=no_lookup, on_node=lambda node, kind: None,
        )  # fmt: skip
        feed = execution.targets["out"]
        rows = feed.batches().read_all().to_pylist()

    assert rows == [{"gap": "3 days", "list": "[1, 2]", "n": 5}]
    assert (feed.rows, [column.type for column in feed.columns]) == (None, ["VARCHAR", "VARCHAR", "INTEGER"])


def test_spark_that_is_not_there_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "flows.engines.spark.session", None)

    with (
        pytest.raises(EngineError, match="FLOW_ENGINE is spark: install"),
        open_session(settings=EngineSettings(engine="spark", temp_dir=tmp_path)),
    ):
        pass
