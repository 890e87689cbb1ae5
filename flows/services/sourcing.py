"""The stores of a run's sources, opened, and the files in them that it would take."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from flows.decisions.vocabulary import FileState
from flows.ir.pipeline import PipelineIR
from flows.ir.sources import SourceNode, StoreKind, WaitPolicy
from flows.models import PipelineRun, RunFile
from flows.services.connecting import store_access
from flows.storage.base import Store, StoredFile
from flows.storage.opening import open_store
from flows.storage.patterns import select_files

MOST_LISTED: Final = 100_000
MOST_FILES: Final = 10_000
# Restored: a retry that was cancelled has put what it had back into the failure folder.
LEFT_BEHIND: Final = (FileState.FAILED, FileState.RESTORED)


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A source node with its store, and the folder in it that its path means."""

    node: SourceNode
    store: Store
    folder: str


Sources = Mapping[str, OpenSource]


@dataclass(frozen=True, slots=True)
class Miss:
    """A source that found no file, with what it wants done about that."""

    node_id: str
    policy: WaitPolicy
    where: str


@contextmanager
def opened_sources(run: PipelineRun, ir: PipelineIR) -> Iterator[Sources]:
    """Open the store of every source node for the length of a block. Raises StorageError."""
    with ExitStack() as stack:
        sources: dict[str, OpenSource] = {}
        for node in source_nodes(ir):
            access = store_access(run.pipeline, node)
            opened = open_store(
                kind=cast("StoreKind", access.kind), path=access.path, config=access.config, secret=access.secret,
                tenant=run.tenant.slug,
            )  # fmt: skip
            stack.callback(opened.store.close)
            sources[node.id] = OpenSource(node, opened.store, opened.folder)
        yield sources


def source_nodes(ir: PipelineIR) -> list[SourceNode]:
    """Return the source nodes of a pipeline, in its order."""
    return [node for node in ir.nodes if isinstance(node, SourceNode)]


def find_files(run: PipelineRun, source: OpenSource, *, at: datetime) -> list[StoredFile]:
    """Return the files that the run would take from a source, in their order. Raises StorageError.

    A retry takes what the run before it left in the failure folder, if that is still there. Date templates are read as
    of `at`.
    """
    if again := list(_left_behind(run, source)):
        return again
    config = source.node.config
    listed = source.store.list_folder(source.folder, limit=MOST_LISTED)
    most = min(config.max_files or MOST_FILES, MOST_FILES)
    return select_files(listed, config.pattern, config.ordering, now=at, most=most)


def missing(sources: Sequence[OpenSource]) -> list[Miss]:
    """Return what these sources, which found no file, want done."""
    return [Miss(each.node.id, each.node.config.wait_policy, _place(each)) for each in sources]


def _left_behind(run: PipelineRun, source: OpenSource) -> Iterator[StoredFile]:
    if run.retry_of_id is None or not source.store.can_move:
        return
    rows = RunFile.objects.for_tenant(run.tenant_id).filter(
        run_id=run.retry_of_id, node_id=source.node.id, state__in=LEFT_BEHIND, is_control=False
    )
    for row in rows.order_by("created_at", "pk"):
        # One that could not be moved may lie where it was staged.
        places = [row.final_key, row.staged_key] if row.state == FileState.FAILED else _aside(row, source)
        found = next((file for place in places if place and (file := source.store.stat(place))), None)
        if found is not None:
            yield found


def _aside(row: RunFile, source: OpenSource) -> list[str]:
    """Return where a file went back to, unless that is the source's folder: there every run finds it."""
    return [] if row.final_key.rpartition("/")[0] == source.folder.rstrip("/") else [row.final_key]


def _place(source: OpenSource) -> str:
    return f"{source.node.config.pattern.value} in {source.node.config.path}"
