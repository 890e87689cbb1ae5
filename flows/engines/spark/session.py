"""A Spark session: local, or one that SPARK_REMOTE names; readers put their relations in a DuckDB beside it."""

import os
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession as PySpark

from flows.engines.base import EngineError, Execution, Lookup
from flows.engines.duck.session import DuckSession
from flows.engines.running import execute
from flows.engines.settings import EngineSettings
from flows.engines.spark.backend import SparkBackend
from flows.formats.base import ReadTable
from flows.ir.pipeline import PipelineIR

# A JVM with less memory does not begin.
LEAST_DRIVER_MB: Final = 512
# How our words and Spark's agree: UTC, casts that fail instead of guessing, no page of its own.
_CONFIG = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
}


class SparkSession:
    """One run's Spark. A remote Spark must see `temp_dir` under the same path: rows are handed over there."""

    name = "spark"

    def __init__(self, settings: EngineSettings) -> None:
        self._duck = DuckSession(settings)
        self.duckdb, self.work_folder = self._duck.duckdb, self._duck.work_folder
        self._tag = f"kaireon-{uuid.uuid4()}"
        self._guard = threading.Lock()
        self._was_executed = False
        try:
            self._spark = _open(settings)
            self.version = str(self._spark.version)
        except (PySparkException, Py4JError, RuntimeError, OSError) as error:
            self._duck.close()
            raise EngineError(f"Spark cannot be reached: {error}") from error
        self._backend = SparkBackend(self._spark, self._duck.backend, self.duckdb, self.work_folder)

    def execute(
        self, ir: PipelineIR, inputs: Mapping[str, ReadTable], *, now: datetime, lookup: Lookup,
        on_node: Callable[[str, str], None],
    ) -> Execution:  # fmt: skip
        """Run the whole pipeline over what its sources read. Raises EngineError."""
        if self._was_executed:
            raise EngineError("this session has run already: open another one")
        self._was_executed = True
        self._spark.addTag(self._tag)
        return execute(self._backend, ir, inputs, now=now, lookup=lookup, on_node=on_node)

    def interrupt(self) -> None:
        """Stop what runs, from another thread."""
        self._spark.interruptTag(self._tag)
        self._duck.interrupt()

    def close(self) -> None:
        """Forget everything; a local Spark stays for the next run of this process."""
        self._duck.close()


def _open(settings: EngineSettings) -> Any:
    if settings.spark_remote:
        builder = PySpark.builder.remote(settings.spark_remote)
        for name, value in _CONFIG.items():
            builder = builder.config(name, value)
        return builder.create()
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = (
        PySpark.builder.master(f"local[{settings.threads}]").appName("kaireon-flows")
        .config("spark.driver.memory", f"{max(settings.memory_limit_mb, LEAST_DRIVER_MB)}m")
        .config("spark.ui.enabled", "false")
        .config("spark.local.dir", str(settings.temp_dir)).config("spark.sql.shuffle.partitions", settings.threads)
        .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.warehouse.dir", str(settings.temp_dir / "spark-warehouse"))
    )  # fmt: skip
    session = builder.getOrCreate().newSession()
    for name, value in _CONFIG.items():
        session.conf.set(name, value)
    session.sparkContext.setLogLevel("OFF")
    return session
