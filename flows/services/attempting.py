"""One attempt at a run, from its files to the commit of its rows. What it leaves behind is settled by `finishing`."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from django.conf import settings

from flows.decisions.runs import occurrence_of
from flows.decisions.vocabulary import LogLevel, Stage
from flows.engines.base import EngineError, Session
from flows.engines.opening import EngineSettings, open_session
from flows.formats.base import LocalFile, ReadLimits, ReadTable
from flows.formats.reading import read_files
from flows.ir.pipeline import PipelineIR
from flows.models import PipelineRun, RunFile
from flows.services.claims import Claim
from flows.services.counting import Counting
from flows.services.files import Hand
from flows.services.loading import Load
from flows.services.progressing import Progress
from flows.services.pulse import Pulse
from flows.services.sourcing import Miss, OpenSource, Sources, find_files, missing, opened_sources
from flows.services.tables import make_lookup
from flows.services.versions_of_runs import ir_of
from flows.services.work_folders import work_folder
from flows.storage.base import StorageError, StoredFile
from flows.targets.base import TargetRefused
from kaireon.platform.notifications.services.dispatch import Clock

# What a row raises that does not fit, where it is read on its way into the table.
MAY_BE_UNREADABLE: Final = (EngineError, TargetRefused, duckdb.Error, pa.ArrowException)
MOST_FILE_BYTES: Final = 1024**4
STILL_WRITTEN: Final = (
    "{key} changed while it was {when}: somebody is still writing to it. Drop files under another name and rename them."
)


class Missed(Exception):
    """Sources found no file."""

    def __init__(self, misses: list[Miss]) -> None:
        super().__init__(f"no file: {', '.join(each.where for each in misses)}")
        self.misses = misses


@dataclass(slots=True)
class Attempt:
    """What one attempt works with; `node_id` is the node that it is at, for failures that do not say."""

    claim: Claim
    run: PipelineRun
    progress: Progress
    pulse: Pulse
    clock: Clock
    node_id: str = ""
    is_committed: bool = False
    _partitions: list[dict[str, Any]] = field(default_factory=list)
    _bytes: int = 0
    _is_lazy: bool = False
    # Size and time of each file as it was before a byte of it was read.
    _fetched: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def execute(self) -> None:
        """Take files, read them, run the pipeline over them, load and commit.

        Raises Missed, Stopped, LeaseLost, and what stores, formats, engines and targets refuse with.
        """
        # What an earlier attempt came to is no news of this one.
        self.progress.note(rows_in=0, processed_rows=0, total_rows=None, bytes_in=0, total_bytes=None)
        self.progress.enter(Stage.LISTING, f"version {self.run.ir_version}, worker {self.run.worker or 'unnamed'}")
        ir = ir_of(self.run)
        with opened_sources(self.run, ir) as sources, work_folder(self.run) as folder:
            taken = self._take(sources)
            files = {node_id: self._fetch(source, taken[node_id], folder) for node_id, source in sources.items()}
            try:
                self._read_and_load(ir, sources, files, folder, look_ahead=False)
            except MAY_BE_UNREADABLE:
                if not self._is_lazy or self.pulse.why is not None:
                    raise
                # Nothing of it is kept. Which rows they are is found by looking at each.
                self.progress.say("Some rows cannot be read as they stream; looking at each.", level=LogLevel.WARNING)
                self._read_and_load(ir, sources, files, folder, look_ahead=True)

    def _read_and_load(
        self, ir: PipelineIR, sources: Sources, files: Mapping[str, list[LocalFile]], folder: Path, *, look_ahead: bool
    ) -> None:
        """Read, run and commit. Without `look_ahead` CSV streams from the file into the table in one go."""
        self._bytes = 0
        with self._session(folder) as session:
            reads = self._read(session, sources, files, folder, look_ahead=look_ahead)
            self._is_lazy = any(read.rows is None for read in reads.values())
            with Counting(session, reads, lambda rows: self.progress.note(total_rows=rows)) as counting:
                self._work(session, ir, reads, counting, lambda: self._require_unchanged(files))

    def _take(self, sources: Sources) -> Mapping[str, list[RunFile]]:
        """Find every source's files, then claim and stage them: none is touched while another source has none."""
        at = occurrence_of(self.run.parameters, created_at=self.run.created_at)
        found: dict[str, list[StoredFile]] = {}
        for node_id, source in sources.items():
            self.node_id = node_id
            self.pulse.check()
            found[node_id] = find_files(self.run, source, at=at)
        self._require([source for node_id, source in sources.items() if not found[node_id]])
        self.progress.enter(Stage.STAGING, f"{sum(map(len, found.values())):,} file(s) match")
        hand = Hand(self.claim, self.run, self.clock, self.pulse.check)
        taken = {}
        for node_id, source in sources.items():
            self.node_id = node_id
            taken[node_id] = hand.take(source, found[node_id])
        self._require([source for node_id, source in sources.items() if not taken[node_id]])
        self._list_partitions(taken)
        return taken

    def _require(self, empty: list[OpenSource]) -> None:
        if empty:
            raise Missed(missing(empty))

    def _list_partitions(self, taken: Mapping[str, list[RunFile]]) -> None:
        rows = [row for files in taken.values() for row in files]
        self._partitions = [
            {"index": index, "name": row.key.rpartition("/")[2], "node": row.node_id, "status": "staged", "rows": None,
             "bytes": row.size_bytes}
            for index, row in enumerate(rows)
        ]  # fmt: skip
        self.progress.set_partitions(self._partitions)
        self.progress.note(total_bytes=sum(row.size_bytes for row in rows))

    @contextmanager
    def _session(self, folder: Path) -> Iterator[Session]:
        with open_session(settings=engine_settings(folder)) as session:
            self.run.metadata = self.run.metadata | {"engine": session.name, "engineVersion": session.version}
            self.pulse.on_stop(session.interrupt)
            try:
                yield session
            finally:
                self.pulse.forget(session.interrupt)

    def _read(
        self, session: Session, sources: Sources, files: Mapping[str, list[LocalFile]], folder: Path, *,
        look_ahead: bool,
    ) -> Mapping[str, ReadTable]:  # fmt: skip
        self.progress.enter(Stage.READING, f"reading with {session.name} {session.version}")
        reads = {}
        for number, (node_id, source) in enumerate(sources.items()):
            self.node_id = node_id
            self.pulse.check()
            reads[node_id] = self._read_source(
                session, source, files[node_id], relation=f"source_{number}", folder=folder, look_ahead=look_ahead
            )
        if all(read.rows is not None for read in reads.values()):
            self.progress.note(total_rows=sum(read.rows or 0 for read in reads.values()))
        return reads

    def _fetch(self, source: OpenSource, rows: list[RunFile], folder: Path) -> list[LocalFile]:
        self.node_id = source.node.id
        found = []
        for row in rows:
            self.pulse.check()
            path = source.store.fetch(row.staged_key or row.key, folder, most_bytes=MOST_FILE_BYTES)
            found.append(LocalFile(path=path, key=row.key, size=row.size_bytes))
            self._fetched[path] = _stamp(path)
            # What lies on the web tells its size late or never.
            if source.store.can_move and self._fetched[path][0] != row.size_bytes:
                raise StorageError(STILL_WRITTEN.format(key=row.key, when="taken"), is_transient=True)
        return found

    def _require_unchanged(self, files: Mapping[str, list[LocalFile]]) -> None:
        """Raise StorageError when somebody still writes to a file that was read: nobody knows what was read of it."""
        for file in (file for each in files.values() for file in each):
            if _stamp(file.path) != self._fetched[file.path]:
                raise StorageError(STILL_WRITTEN.format(key=file.key, when="read"), is_transient=True)

    def _read_source(
        self, session: Session, source: OpenSource, files: list[LocalFile], *, relation: str, folder: Path,
        look_ahead: bool,
    ) -> ReadTable:  # fmt: skip
        config = source.node.config
        indexes = self._indexes(source.node.id)
        self.progress.note_partitions(indexes, status="reading")
        read = read_files(
            session.duckdb, files, relation=relation, format=config.format, options=config.format_options,
            limits=ReadLimits(), dead_letters=config.format_options.on_bad_row == "quarantine", work_folder=folder,
            on_bytes=self._on_bytes, look_ahead=look_ahead,
        )  # fmt: skip
        self.progress.note_partitions(indexes, status="read", **({"rows": read.rows} if len(indexes) == 1 else {}))
        self.progress.note_stage(rowsIn=(read.rows or 0) + read.bad_row_count, quarantined=read.bad_row_count)
        shown = "" if read.rows is None else f"{read.rows:,} rows, "
        bad = f", {read.bad_row_count:,} unreadable" if read.bad_row_count else ""
        self.progress.say(f"{source.node.id}: {shown}{len(read.columns)} columns{bad}")
        self.progress.note(rows_in=(read.rows or 0) + read.bad_row_count)
        return read

    def _indexes(self, node_id: str) -> list[int]:
        return [each["index"] for each in self._partitions if each["node"] == node_id]

    def _on_bytes(self, newly_read: int) -> None:
        self.pulse.check()
        self._bytes += newly_read
        self.progress.note(bytes_in=self._bytes)

    def _work(
        self, session: Session, ir: PipelineIR, reads: Mapping[str, ReadTable], counting: Counting,
        require_unchanged: Callable[[], None],
    ) -> None:  # fmt: skip
        self.progress.enter(Stage.TRANSFORMING, "the pipeline's operations")
        execution = session.execute(
            ir, reads, now=self.clock(), lookup=make_lookup(self.run.tenant), on_node=self._on_node
        )
        self.pulse.check()
        self.progress.enter(Stage.LOADING, "one transaction: all rows or none")
        self.node_id = ""
        load = Load(self.claim, self.run, ir, self.progress, self.pulse, self.clock)
        load.commit(execution, reads, counting, require_unchanged=require_unchanged)
        self.is_committed = True
        for node_id in reads:
            indexes = self._indexes(node_id)
            if len(indexes) == 1:
                self.progress.note_partitions(indexes, rows=counting.rows_of(node_id))
        self.pulse.let_end()
        load.after_commit()
        self.progress.enter(Stage.ARCHIVING, "committed; files go to the archive")

    def _on_node(self, node_id: str, kind: str) -> None:
        self.pulse.check()
        self.node_id = node_id
        if kind == "validate" and self.progress.stage is not Stage.VALIDATING:
            self.progress.enter(Stage.VALIDATING, f"checking at {node_id}")


def engine_settings(folder: Path) -> EngineSettings:
    """Return what an engine may use: what the settings grant, and no files but those of this run."""
    held = Path(f"/proc/{os.getpid()}/fd")
    return EngineSettings(
        engine=settings.FLOW_ENGINE.lower(), memory_limit_mb=settings.FLOW_MEMORY_LIMIT_MB,
        threads=settings.FLOW_THREADS or os.cpu_count() or 1, temp_dir=folder, spark_remote=settings.SPARK_REMOTE,
        readable=(folder, *([held] if held.exists() else [])),
    )  # fmt: skip


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
