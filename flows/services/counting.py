"""Count the rows of files that the engine reads as they stream, beside the load: it waits for the server meanwhile."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import duckdb

from flows.engines.base import Session
from flows.formats.base import ReadTable


class Counting:
    """The number of rows of each source, for the length of a `with` block; `on_counted` gets that of all of them."""

    def __init__(self, session: Session, reads: Mapping[str, ReadTable], on_counted: Callable[[int], None]) -> None:
        self._session, self._reads, self._on_counted = session, reads, on_counted
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="run-count")
        self._counts: dict[str, Future[int]] = {}

    def __enter__(self) -> Self:
        for node_id, read in self._reads.items():
            if read.rows is None:
                cursor = self._session.duckdb.cursor()
                self._counts[node_id] = self._pool.submit(_count, cursor, read.relation)
        for future in self._counts.values():
            future.add_done_callback(self._tell)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _tell(self, _: Future[int]) -> None:
        """Tell the sum once the last one is known; what failed to be counted fails the load, too."""
        futures = self._counts.values()
        if all(each.done() and not each.cancelled() and each.exception() is None for each in futures):
            self._on_counted(sum(self.rows_of(node_id) for node_id in self._reads))

    def rows_of(self, node_id: str) -> int:
        """Return how many rows a source gave, those included that could not be read. Raises duckdb.Error."""
        read = self._reads[node_id]
        rows = self._counts[node_id].result() if read.rows is None else read.rows
        return rows + read.bad_row_count


def _count(cursor: duckdb.DuckDBPyConnection, relation: str) -> int:
    try:
        found = cursor.execute(f'SELECT count(*) FROM "{relation}"').fetchone()  # noqa: S608 - a name of ours
        return int(found[0]) if found else 0
    finally:
        cursor.close()
