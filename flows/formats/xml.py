"""XML, an element a row. Nothing outside of the file is ever read, and no entity is expanded."""

from collections.abc import Iterator, Sequence
from typing import Final

from lxml import etree

from flows.formats.base import BadRow, LocalFile, ReadTable, UnreadableFile
from flows.formats.jobs import ReadJob, cut
from flows.formats.json_values import written
from flows.formats.spool import Spool
from flows.formats.unpacking import compression_of, unpacked

_STEP: Final = 64 * 1024
_DEEPEST: Final = 64
_MOST_ELEMENTS: Final = 100_000
Tree = dict[str, object]


def read_xml(files: Sequence[LocalFile], job: ReadJob) -> ReadTable:
    """Return the records of all files as rows of text: the elements at `recordPath` (`orders/order`, or `order`).

    Without one they are the children of the root. An attribute is `@name`, a child without children its text, what is
    nested or comes twice JSON. Raises UnreadableFile.
    """
    spool = Spool(job)
    for file in files:
        reader = _Reader(file, job)
        try:
            for element, size in reader.records():
                _take(element, size, file, spool, job)
        except etree.XMLSyntaxError as error:
            line = error.lineno or None
            where = f"{file.key}, line {line}" if line else file.key
            raise UnreadableFile(f"{where}: {_reason(error)}.", file=file.key, line=line) from None
        except OSError as error:
            raise UnreadableFile(f"{file.key} cannot be read: {error.strerror}.", file=file.key) from None
    return spool.finish(list(files))


def _take(element: etree._Element, size: int, file: LocalFile, spool: Spool, job: ReadJob) -> None:
    row = {name: _text_of(value) for name, value in _fields(element).items()}
    if not row:
        raw = cut(etree.tostring(element, encoding="unicode", with_tail=False))
        job.bad.add(BadRow(file.key, line_of(element), "The element holds no values.", raw=raw))
        return
    nulls = job.options.null_values
    spool.add({name: None if text in nulls else text for name, text in row.items()}, size, file)


class _Reader:
    """Feeds a parser bit by bit, so that what a record costs is known while it grows."""

    def __init__(self, file: LocalFile, job: ReadJob) -> None:
        self._file = file
        self._job = job
        self._path = [part for part in (job.options.record_path or "").split("/") if part]
        self._open: list[str] = []
        self._record: etree._Element | None = None
        self._depth_of_record = 0
        self._size = 0
        self._elements = 0

    def records(self) -> Iterator[tuple[etree._Element, int]]:
        """Yield each record and about how many bytes it took; it is emptied afterwards."""
        parser = etree.XMLPullParser(
            events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
            huge_tree=False, remove_comments=True, remove_pis=True, encoding=self._job.options.encoding,
        )  # fmt: skip
        for step in self._steps():
            self._size += len(step)
            if self._record is not None and self._size > self._job.limits.cell_bytes:
                raise self._wrong(self._record, f"a record is longer than {self._job.limits.cell_bytes:,} bytes")
            parser.feed(step)
            yield from self._read(parser)
        parser.close()
        yield from self._read(parser)

    def _steps(self) -> Iterator[bytes]:
        with self._file.path.open("rb") as opened:
            kind = compression_of(opened.read(8), self._job.options.compression, self._file)
        for chunk in unpacked(self._file, kind, self._job.limits, self._job.on_bytes):
            for start in range(0, len(chunk), _STEP):
                yield chunk[start : start + _STEP]

    def _read(self, parser: etree.XMLPullParser) -> Iterator[tuple[etree._Element, int]]:
        for event, element in parser.read_events():
            if not isinstance(element, etree._Element):
                continue
            if event == "start":
                self._begin(element)
            elif element is self._record:
                yield element, self._size
                self._end()
                _forget(element)
            else:
                self._end()
                if self._record is None:
                    _forget(element)

    def _begin(self, element: etree._Element) -> None:
        if not self._open and str(getattr(element.getroottree().docinfo, "doctype", None) or ""):
            raise self._wrong(element, "a DOCTYPE, with the entities it could declare, is refused")
        self._open.append(etree.QName(element).localname)
        if len(self._open) > _DEEPEST:
            raise self._wrong(element, f"elements nest more than {_DEEPEST} deep")
        self._elements += 1
        if self._record is None and self._is_record():
            self._record, self._depth_of_record, self._size, self._elements = element, len(self._open), 0, 0
        elif self._record is not None and self._elements > _MOST_ELEMENTS:
            raise self._wrong(self._record, f"a record has more than {_MOST_ELEMENTS:,} elements")

    def _end(self) -> None:
        if len(self._open) == self._depth_of_record:
            self._record, self._depth_of_record = None, 0
        self._open.pop()

    def _is_record(self) -> bool:
        if not self._path:
            return len(self._open) == 2
        return self._open[-1:] == self._path if len(self._path) == 1 else self._open == self._path

    def _wrong(self, element: etree._Element, reason: str) -> UnreadableFile:
        line = line_of(element)
        return UnreadableFile(f"{self._file.key}, line {line}: {reason}.", file=self._file.key, line=line)


def line_of(element: etree._Element) -> int | None:
    """Return the line where an element begins."""
    line = element.sourceline
    return line if isinstance(line, int) else None


def _fields(element: etree._Element) -> Tree:
    """Return an element's attributes and children by name; those of one name as a list."""
    found: Tree = {f"@{etree.QName(str(name)).localname}": str(value) for name, value in element.attrib.items()}
    for child in element:
        name = etree.QName(child).localname if isinstance(child.tag, str) else ""
        if not name:
            continue  # an entity that is not expanded
        value = _value(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], _Many):
            found[name].append(value)  # type: ignore[attr-defined]
        else:
            found[name] = _Many([found[name], value])
    text = (element.text or "").strip()
    if text and not len(element):
        found["#text"] = text
    return found


class _Many(list[object]):
    """The values of children of one name."""


def _value(element: etree._Element) -> object:
    if len(element) or element.attrib:
        return _fields(element)
    return element.text or ""


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else written(value)


def _forget(element: etree._Element) -> None:
    """Drop an element that was read, and what stands before it: the tree would grow with the file."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _reason(error: etree.XMLSyntaxError) -> str:
    return f"it is no XML that can be read: {(error.msg or 'it ends in the middle').splitlines()[0][:200]}"
