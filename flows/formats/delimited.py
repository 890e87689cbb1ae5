"""Files of separated values, read by DuckDB's own parallel reader.

A clean file costs one look at its bytes and one count by DuckDB in strict mode, which fails on the first row that does
not fit; what the engine then gets is a view on the file itself. Only a file that fails is sifted row by row.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import uuid4

import duckdb

from flows.formats.base import Column, LocalFile, ReadTable, UnreadableFile
from flows.formats.dialects import Dialect, dialect_of
from flows.formats.encodings import SAMPLE
from flows.formats.jobs import ReadJob, literal, quoted
from flows.formats.preparing import PlainText, prepare_text
from flows.formats.sieve import Sieve

# Two of them are in memory for a thread; a longer line than one is refused.
_ROOM_FOR_LINE_END: Final = 65_536
# A row that does not fit; a file that threads cannot part.
_UNREAD: Final = (duckdb.InvalidInputException, duckdb.NotImplementedException)


@dataclass(frozen=True, slots=True)
class _Part:
    """A file with its dialect, ready for DuckDB; `in_order` is for one that only a single thread reads rightly."""

    text: PlainText
    path: Path
    dialect: Dialect
    in_order: bool = False


def read_delimited(files: Sequence[LocalFile], job: ReadJob, *, delimiter: str = "") -> ReadTable:
    """Return the rows of all files, columns by the names in the first header. Raises UnreadableFile."""
    parts = [part for file in files if (part := _part(file, job, delimiter)) is not None]
    columns = tuple(job.options.columns or (parts[0].dialect.columns if parts else ()))
    if not columns:
        raise UnreadableFile(f"{files[0].key} is empty: there is no header to name the columns.", file=files[0].key)
    fitting = [_fitted(part, columns, job) for part in parts]
    counted = [(part, rows) for part in fitting if part is not None for part, rows in [_counted(part, job)]]
    _make_view([part for part, _ in counted], columns, job)
    return ReadTable(
        relation=job.relation,
        columns=tuple(Column(name, "VARCHAR") for name in columns),
        rows=None if any(rows is None for _, rows in counted) else sum(rows or 0 for _, rows in counted),
        bytes=sum(file.size for file in files),
        bad_rows=tuple(job.bad.rows),
        bad_row_count=job.bad.count,
        notes=tuple(job.notes),
    )


def _part(file: LocalFile, job: ReadJob, delimiter: str) -> _Part | None:
    """Return the file made ready, or None for one without a byte."""
    text = prepare_text(file, job)
    if text.is_empty:
        job.notes.append(f"{file.key} is empty.")
        return None
    with text.path.open("rb") as opened:
        sample = opened.read(SAMPLE).decode("utf-8", "replace").removeprefix("\ufeff")
    if sample.startswith(("\n", "\r")):
        text = replace(text, is_clean=False)  # DuckDB would take an empty first line for the header
    return _Part(text, text.path, dialect_of(sample, file, job.options, job.limits, job.options.delimiter or delimiter))


def _fitted(part: _Part, columns: tuple[str, ...], job: ReadJob) -> _Part | None:
    """Return the part when its header has just the columns; else set all of its rows aside."""
    if not job.options.header:
        return replace(part, dialect=replace(part.dialect, columns=columns))
    found = {name.lower() for name in part.dialect.columns}
    wanted = {name.lower() for name in columns}
    if found == wanted:
        return part
    differences = [f"lacks {name}" for name in columns if name.lower() not in found]
    differences += [f"has {name} beyond them" for name in part.dialect.columns if name.lower() not in wanted]
    reason = f"The header does not fit the columns {', '.join(columns)[:500]}: it {'; '.join(differences)[:500]}."
    if not job.bad.is_kept:
        raise UnreadableFile(f"{part.text.file.key}, line 1: {reason}", file=part.text.file.key, line=1)
    _sift(part, len(part.dialect.columns), job, reason)
    return None


def _counted(part: _Part, job: ReadJob) -> tuple[_Part, int | None]:
    """Return how many rows a part has, sifted where DuckDB would not read it whole; None where nobody looked yet.

    In parallel, DuckDB fails on a row that does not fit, and where threads cannot tell quotes apart. On one thread it
    silently drops a last row whose quotes do not close: it reads so only what was sifted, and the counts are compared.
    """
    if part.text.is_clean:
        if job.is_lazy:
            return part, None
        with suppress(*_UNREAD):
            return part, _count(part, job)
    path, good = _sift(part, len(part.dialect.columns), job)
    sifted = replace(part, path=path)
    reason = f"DuckDB reads another number of rows than the {good} that were found"
    for candidate in (sifted, replace(sifted, in_order=True)):
        try:
            if _count(candidate, job) == good:
                return candidate, good
        except _UNREAD as error:
            reason = str(error).partition("\n")[0][:300]
    raise UnreadableFile(f"{part.text.file.key} cannot be read: {reason}.", file=part.text.file.key)


def _count(part: _Part, job: ReadJob) -> int:
    found = job.session.execute(f"SELECT count(*) FROM {_scan([part], job)}").fetchone()  # noqa: S608 - our own text
    return int(found[0]) if found else 0


def _sift(part: _Part, columns: int, job: ReadJob, reason: str = "") -> tuple[Path, int]:
    into = job.work_folder / uuid4().hex
    sieve = Sieve(
        file=part.text.file,
        dialect=part.dialect,
        columns=columns,
        has_header=job.options.header,
        most_bytes=job.limits.cell_bytes,
        bad=job.bad,
        reason=reason,
    )
    return into, sieve.sift(part.path, into)


def _make_view(parts: list[_Part], columns: tuple[str, ...], job: ReadJob) -> None:
    """Name the rows of all parts, in their order; neighbours written alike are one scan."""
    groups: list[list[_Part]] = []
    for part in parts:
        if groups and (groups[-1][0].dialect, groups[-1][0].in_order) == (part.dialect, part.in_order):
            groups[-1].append(part)
        else:
            groups.append([part])
    selects = [f"SELECT {_selected(group[0], columns, job)} FROM {_scan(group, job)}" for group in groups]  # noqa: S608
    nothing = ", ".join(f"NULL::VARCHAR AS {quoted(name)}" for name in columns)
    body = " UNION ALL ".join(selects) or f"SELECT {nothing} WHERE false"
    job.session.execute(f"CREATE OR REPLACE VIEW {quoted(job.relation)} AS {body}")


def _selected(part: _Part, columns: tuple[str, ...], job: ReadJob) -> str:
    own = {name.lower(): quoted(name) for name in part.dialect.columns}
    if job.options.null_values:
        return ", ".join(f"{own[name.lower()]} AS {quoted(name)}" for name in columns)
    # DuckDB takes something for NULL in any case; nothing else makes one.
    return ", ".join(f"coalesce({own[name.lower()]}, '') AS {quoted(name)}" for name in columns)


def _scan(parts: list[_Part], job: ReadJob) -> str:
    dialect = parts[0].dialect
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in dialect.columns)
    nulls = ", ".join(literal(text) for text in dict.fromkeys(job.options.null_values)) or "''"
    longest = job.limits.cell_bytes
    arguments = [
        f"[{', '.join(literal(str(part.path)) for part in parts)}]",
        "auto_detect=false",
        f"columns={{{columns}}}",
        f"header={str(job.options.header).lower()}",
        f"delim={literal(dialect.delimiter)}",
        f"quote={literal(dialect.quote)}",
        f"escape={literal(dialect.escape)}",
        f"nullstr=[{nulls}]",
        "strict_mode=true",
        "compression='none'",
        f"max_line_size={longest}",
        f"buffer_size={longest + _ROOM_FOR_LINE_END}",
        f"parallel={str(not parts[0].in_order).lower()}",
    ]
    return f"read_csv({', '.join(arguments)})"
