"""A DuckDB session: bounded memory, threads and folders, and nothing outside of them."""

import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import duckdb

from flows.engines.base import EngineError, Execution, Lookup
from flows.engines.duck.backend import DuckBackend
from flows.engines.running import execute
from flows.engines.settings import EngineSettings
from flows.formats.base import ReadTable
from flows.ir.pipeline import PipelineIR


class DuckSession:
    """One run's DuckDB, in memory, spilling to a folder of its own that goes when it is closed."""

    name = "duckdb"
    version = duckdb.__version__

    def __init__(self, settings: EngineSettings) -> None:
        settings.temp_dir.mkdir(parents=True, exist_ok=True)
        self.work_folder = Path(tempfile.mkdtemp(prefix="kaireon-flow-", dir=settings.temp_dir)).resolve()
        self.duckdb = duckdb.connect(":memory:", config=_config(settings, self.work_folder))
        self.backend = DuckBackend(self.duckdb)
        self._lock(settings)
        self._guard = threading.Lock()
        self._was_executed = False
        self._is_closed = False

    def _lock(self, settings: EngineSettings) -> None:
        """Let files open from named folders only, and let nothing change that."""
        folders = [str(folder.resolve()) for folder in (self.work_folder, *settings.readable)]
        self.duckdb.execute("SET allowed_directories = ?", [folders])
        self.duckdb.execute("SET enable_external_access = false")
        self.duckdb.execute("SET lock_configuration = true")

    def execute(
        self, ir: PipelineIR, inputs: Mapping[str, ReadTable], *, now: datetime, lookup: Lookup,
        on_node: Callable[[str, str], None],
    ) -> Execution:  # fmt: skip
        """Run the whole pipeline over what its sources read. Raises EngineError."""
        if self._was_executed:
            raise EngineError("this session has run already: open another one")
        self._was_executed = True
        try:
            return execute(self.backend, ir, inputs, now=now, lookup=lookup, on_node=on_node)
        except duckdb.Error as error:
            raise EngineError(str(error).strip().partition("\n")[0]) from error

    def interrupt(self) -> None:
        """Stop what runs, from another thread."""
        with self._guard:
            if not self._is_closed:
                self.backend.interrupt()

    def close(self) -> None:
        """Forget everything, on disk too."""
        with self._guard:
            if self._is_closed:
                return
            self._is_closed = True
        self.backend.close()
        shutil.rmtree(self.work_folder, ignore_errors=True)


def _config(settings: EngineSettings, folder: Path) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": f"{settings.memory_limit_mb}MB",
        "threads": settings.threads,
        "temp_directory": str(folder / "spill"),
        "preserve_insertion_order": True,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
    }
