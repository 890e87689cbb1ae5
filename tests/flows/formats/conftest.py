"""A desk for each test."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.flows.formats.world import Desk


@pytest.fixture(scope="session")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return one engine with the limits of a run; opening one costs more than a test."""
    with duckdb.connect(config={"memory_limit": "512MB", "threads": 2}) as engine:
        yield engine


@pytest.fixture
def desk(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> Iterator[Desk]:
    """Return a session of its own, and empty folders."""
    for name in ("files", "work"):
        (tmp_path / name).mkdir()
    session = engine.cursor()
    yield Desk(session, tmp_path / "files", tmp_path / "work")
    session.close()
