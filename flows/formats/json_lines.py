"""One JSON object a line: what is none is set aside with its line."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from flows.formats.base import BadRow, LocalFile, ReadTable
from flows.formats.encodings import NUL_MARK
from flows.formats.jobs import RAW_CHARACTERS, ReadJob, cut
from flows.formats.json_values import NoRecord, record_of
from flows.formats.preparing import prepare_text
from flows.formats.spool import Spool

_BOM: Final = b"\xef\xbb\xbf"


def read_json_lines(files: Sequence[LocalFile], job: ReadJob) -> ReadTable:
    """Return the records of all files as rows of text. Raises UnreadableFile."""
    spool = Spool(job)
    for file in files:
        for number, line in _lines(prepare_text(file, job).path):
            _take(line, number, file, spool, job)
    return spool.finish(list(files))


def _take(line: bytes, number: int, file: LocalFile, spool: Spool, job: ReadJob) -> None:
    try:
        spool.add(record_of(_decoded(line), job.options.null_values), len(line), file)
    except NoRecord as error:
        raw = line.replace(NUL_MARK, b"\x00")[:RAW_CHARACTERS].decode("utf-8", "backslashreplace")
        job.bad.add(BadRow(file.key, number, str(error), raw=cut(raw)))


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise NoRecord("It holds a NUL, or bytes that are not valid in the file's encoding.") from None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not empty, with their numbers; prepare_text has refused lines that are too long."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            text = line.removeprefix(_BOM).strip() if number == 1 else line.strip()
            if text:
                yield number, text
