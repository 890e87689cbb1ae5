"""Find out how a text file is encoded, and write it again as UTF-8 while it streams."""

import codecs
from collections.abc import Iterator
from typing import Final

from charset_normalizer import from_bytes

from flows.formats.base import LocalFile, UnreadableFile

SAMPLE: Final = 256 * 1024
# Stand in the copy where the file has what no text has; both make the row invalid UTF-8, which sets it aside.
UNDECODABLE: Final = b"\xff"
NUL_MARK: Final = b"\xfe"
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What a file without a mark is taken for, if it is no UTF-8.
_GUESSES: Final = ["cp1252", "latin_1", "iso8859_15", "cp1250", "cp1251", "cp1253", "cp1254", "shift_jis", "gb18030",
                   "euc_kr", "big5", "euc_jp"]  # fmt: skip
_MOST_STRAY: Final = 0.1
# Fewer letters than this tell nothing about their alphabet.
_ENOUGH_TO_GUESS: Final = 16
_WESTERN: Final = {"cp1252", "latin_1", "iso8859_15"}


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error("kaireon-mark", _mark)


def encoding_of(sample: bytes, wanted: str | None, file: LocalFile) -> str:
    """Return Python's name of a file's encoding: what its mark says, what is set, or what its text looks like."""
    for bom, name in _BOMS:
        if sample.startswith(bom) and (wanted is None or _normal(wanted, file).startswith(name)):
            return name
    return _normal(wanted, file) if wanted is not None else _detected(sample)


def transcoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield chunks as UTF-8 without a mark at the start; undecodable bytes and NULs leave marks of their own."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="kaireon-mark")
    is_first = True
    for chunk in chunks:
        text = decoder.decode(chunk)
        yield _encode(text.removeprefix("\ufeff") if is_first else text)
        is_first = is_first and not text
    yield _encode(decoder.decode(b"", final=True))


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape").replace(b"\x00", NUL_MARK)


def _normal(name: str, file: LocalFile) -> str:
    try:
        found = codecs.lookup(name)
        b"a".decode(found.name)  # one that makes no text of bytes is no encoding of a file
    except UnicodeDecodeError:
        pass  # two bytes a character
    except (LookupError, ValueError, TypeError):
        raise UnreadableFile(f"There is no encoding {name[:40]} to read {file.key} in.", file=file.key) from None
    return "utf-8" if found.name in {"utf-8-sig", "ascii"} else found.name


def _detected(sample: bytes) -> str:
    if wide := _wide(sample):
        return wide
    stray, whole = _stray_bytes(sample)
    if stray <= whole * _MOST_STRAY:
        return "utf-8"  # also with a few broken characters: those rows are set aside
    if stray < _ENOUGH_TO_GUESS:
        return "cp1252"
    best = from_bytes(sample, cp_isolation=_GUESSES, enable_fallback=False).best()
    return "cp1252" if best is None or best.encoding in _WESTERN else best.encoding


def _wide(sample: bytes) -> str:
    """Return UTF-16 without a mark: in text of mostly Latin letters every second byte is zero."""
    pairs = len(sample) // 2
    if pairs < 4:
        return ""
    even, odd = sample[0 : pairs * 2 : 2].count(0), sample[1 : pairs * 2 : 2].count(0)
    if odd > pairs * 0.4 and even < pairs * 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > pairs * 0.4 and odd < pairs * 0.05 else ""


def _stray_bytes(sample: bytes) -> tuple[int, int]:
    """Count the bytes that are no UTF-8, and the characters beyond ASCII that are; a cut at the end is neither."""
    text = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape").decode(sample)
    stray = sum(1 for character in text if "\udc80" <= character <= "\udcff")
    return stray, sum(1 for character in text if character > "\x7f") - stray
