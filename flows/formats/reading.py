"""Read the files of a source into one relation of the session, whatever their format."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import duckdb

from flows.formats.avro import read_avro
from flows.formats.base import LocalFile, ReadLimits, ReadTable, UnreadableFile
from flows.formats.delimited import read_delimited
from flows.formats.jobs import BadRows, OnBytes, ReadJob
from flows.formats.json_documents import read_json_documents
from flows.formats.json_lines import read_json_lines
from flows.formats.parquet import read_parquet
from flows.formats.xml import read_xml
from flows.ir.sources import FileFormat, FormatOptions

Reader = Callable[[Sequence[LocalFile], ReadJob], ReadTable]


def read_files(
    session: duckdb.DuckDBPyConnection, files: Sequence[LocalFile], *, relation: str, format: FileFormat,  # noqa: A002
    options: FormatOptions, limits: ReadLimits, dead_letters: bool, work_folder: Path, on_bytes: OnBytes,
    look_ahead: bool = True,
) -> ReadTable:  # fmt: skip
    """Return one relation with the rows of all files, in their order; what cannot be read is in its `bad_rows`.

    `dead_letters` says whether the run keeps bad rows; without it, or with `onBadRow: fail`, the first one raises.
    Without `look_ahead` nobody looks for bad rows in csv and tsv that seem clean, `rows` is None, and reading the
    relation raises at the first bad one (duckdb.Error, or Arrow's where it comes as Arrow): the caller then takes
    everything back and reads again with it. Nothing is ever left out silently.
    The relation is good as long as the session and `work_folder` are. `on_bytes` gets the bytes newly read.
    Raises UnreadableFile.
    """
    if not files:
        raise UnreadableFile("There is no file to read.")
    reader = _READERS.get(format)
    if reader is None:
        raise UnreadableFile(refusal_of(format))
    bad = BadRows(limits.bad_rows, dead_letters and options.on_bad_row == "quarantine")
    job = ReadJob(session, relation, options, limits, bad, work_folder, on_bytes, is_lazy=not look_ahead)
    return reader(files, job)


def refusal_of(format: str) -> str:  # noqa: A002 - the IR's own word
    """Return why files of a format are not read, or nothing where they are."""
    if format in _READERS:
        return ""
    if format == "orc":
        return "Files in orc are not read: convert to parquet (for example `spark.read.orc(…).write.parquet(…)`)."
    return f"Files in {format} are not read."


def _read_tsv(files: Sequence[LocalFile], job: ReadJob) -> ReadTable:
    return read_delimited(files, job, delimiter="\t")


_READERS: Final[dict[str, Reader]] = {
    "csv": read_delimited,
    "tsv": _read_tsv,
    "json": read_json_documents,
    "jsonl": read_json_lines,
    "parquet": read_parquet,
    "avro": read_avro,
    "xml": read_xml,
}
