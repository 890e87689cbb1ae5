"""Both engines: DuckDB always, Spark where it is installed and slow tests run."""

import gc
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.engines.world import Engine

# Py4J leaves its sockets to the garbage collector.
SPARK_MARKS = [
    pytest.mark.slow, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]  # fmt: skip


@pytest.fixture(params=[pytest.param("duckdb", id="duckdb"), pytest.param("spark", id="spark", marks=SPARK_MARKS)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Return an engine whose sessions live in a folder of the test's own."""
    if request.param == "spark" and (importlib.util.find_spec("pyspark") is None or shutil.which("java") is None):
        if os.environ.get("CI"):
            pytest.fail("Spark or Java is missing; .ci/run installs both")
        pytest.skip("Spark or Java is missing")
    yield Engine(request.param, tmp_path)
    if request.param == "spark":
        # Here, where their warnings are expected, and not in whichever test comes next.
        gc.collect()


@pytest.fixture
def duck(tmp_path: Path) -> Engine:
    """Return DuckDB."""
    return Engine("duckdb", tmp_path)
