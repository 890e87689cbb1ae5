"""What an editor wants to see of a pipeline before it runs: each node's SQL, and the first rows that leave a node."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from django.conf import settings

from flows.engines.base import EngineError, Sample
from flows.engines.duck.session import DuckSession
from flows.engines.previewing import DIALECTS, compile_sql, needed_for, sample_of
from flows.engines.settings import EngineSettings
from flows.formats.base import Column, LocalFile, ReadLimits, ReadTable
from flows.formats.reading import read_files
from flows.formats.unpacking import compression_of
from flows.ir.pipeline import PipelineIR
from flows.ir.sources import SourceNode, StoreKind
from flows.models import Pipeline
from flows.services.connecting import store_access
from flows.services.tables import make_lookup
from flows.storage.base import StorageError, StoredFile
from flows.storage.keys import shown
from flows.storage.opening import open_store
from flows.storage.patterns import select_files

MEGABYTE: Final = 1024 * 1024
# Files that are read line by line are cut at so many bytes; others are not looked at beyond the second.
MOST_HEAD: Final = 8 * MEGABYTE
MOST_BYTES: Final = 256 * MEGABYTE
MOST_LISTED: Final = 100_000
MOST_ROWS: Final = 1_000
_LINES: Final = frozenset({"csv", "tsv", "jsonl"})


def preview_sql(
    ir: PipelineIR, *, dialect: str, columns: Mapping[str, tuple[Column, ...]] | None = None
) -> Mapping[str, str]:
    """Return the SQL of each node in a dialect (`duckdb`, `spark`), without reading anything.

    `columns` are those of the sources, by node, where they are known; else they are what the pipeline names, all
    text. Raises EngineError when a node cannot be compiled.
    """
    if dialect not in DIALECTS:
        raise EngineError(f"there is no SQL of {dialect!r}: it is {' or '.join(DIALECTS)}")
    with _session() as (session, _):
        return compile_sql(session, ir, columns or {}, dialect=dialect)


def sample_node(*, pipeline: Pipeline, ir: PipelineIR, node_id: str, limit: int, now: datetime) -> Sample:
    """Return the first rows that leave a node, of the first file that each source would take; nothing is moved.

    Large files that are read line by line give their first 8 MB, others none beyond 256 MB. Validators of the data set
    are not looked at. Raises EngineError, StorageError, UnreadableFile.
    """
    wanted = needed_for(ir, node_id)
    with _session() as (session, folder):
        inputs = {
            node.id: _read(pipeline, node, session, folder / str(number), now)
            for number, node in enumerate(ir.nodes)
            if isinstance(node, SourceNode) and node.id in wanted
        }
        return sample_of(
            session, ir, inputs, node_id, limit=min(limit, MOST_ROWS), now=now, lookup=make_lookup(pipeline.tenant)
        )


@contextmanager
def _session() -> Iterator[tuple[DuckSession, Path]]:
    """Yield a session and a folder of its own; both go at the end."""
    base = Path(settings.FLOW_TEMP_DIR)
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="preview-", dir=base))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        session = DuckSession(
            EngineSettings(memory_limit_mb=settings.FLOW_MEMORY_LIMIT_MB, temp_dir=folder, readable=(folder, *_held()))
        )
        stack.callback(session.close)
        yield session, folder


def _held() -> list[Path]:
    """Return where files that this process holds open can be read, on systems that have such a place."""
    held = Path("/proc/self/fd").resolve()
    return [held] if held.is_dir() else []


def _read(pipeline: Pipeline, node: SourceNode, session: DuckSession, folder: Path, now: datetime) -> ReadTable:
    folder.mkdir()
    access = store_access(pipeline, node)
    opened = open_store(
        kind=cast("StoreKind", access.kind), path=access.path, config=access.config, secret=access.secret,
        tenant=pipeline.tenant.slug,
    )  # fmt: skip
    try:
        found = _first(node, opened.store.list_folder(opened.folder, limit=MOST_LISTED), now)
        path = opened.store.fetch(found.key, folder, most_bytes=max(MOST_BYTES, found.size if _is_linked(node) else 0))
        file = _head(node, LocalFile(path, found.key, found.size), folder)
        return read_files(
            session.duckdb, [file], relation=node.id, format=node.config.format, options=node.config.format_options,
            limits=ReadLimits(), dead_letters=True, work_folder=folder, on_bytes=lambda _: None,
        )  # fmt: skip
    finally:
        opened.store.close()


def _is_linked(node: SourceNode) -> bool:
    """Tell whether a file is looked at where it lies, so that its size costs nothing."""
    return node.connector == "local_fs"


def _first(node: SourceNode, files: Iterator[StoredFile], now: datetime) -> StoredFile:
    chosen = select_files(files, node.config.pattern, node.config.ordering, now=now, most=1)
    if not chosen:
        raise StorageError(f"{node.id}: no file in {node.config.path} matches {node.config.pattern.value}.")
    return chosen[0]


def _head(node: SourceNode, file: LocalFile, folder: Path) -> LocalFile:
    """Return a file, or a copy of its beginning when it is large and can be cut at the end of a line."""
    if file.size <= MOST_HEAD:
        return file
    with file.path.open("rb") as stream:
        text = stream.read(MOST_HEAD)
    is_packed = compression_of(text, node.config.format_options.compression, file) != "none"
    end = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
    if node.config.format in _LINES and not is_packed and end:
        head = folder / "head"
        head.write_bytes(text[:end])
        return LocalFile(head, file.key, end)
    if file.size > MOST_BYTES:
        raise StorageError(f"{shown(file.key)} is larger than {MOST_BYTES:,} bytes.")
    return file
