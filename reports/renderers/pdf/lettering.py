"""Text on a page: measured, wrapped and drawn in any script."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, Final, NamedTuple

import uharfbuzz

from reports.renderers.pdf.bidi import stretches
from reports.renderers.pdf.fonts import BOLD, REGULAR, Face, face_for, face_named, simple_letters

# Where a line may break: after a space, and around each ideograph.
_PIECES: Final = re.compile(
    r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]|[^\s\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+|\s+"
)
_LINGERING: Final = frozenset("\u200c\u200d\ufe0e\ufe0f")
ELLIPSIS: Final = "…"


class Glyph(NamedTuple):
    """A letter of a font, moved from where the pen stands, and how far the pen goes on; thousandths of the size.

    `cluster` is the place in the run's text of what it stands for; several glyphs may stand for one cluster.
    """

    cluster: int
    letter: str
    dx: float
    dy: float
    advance: float


class Run(NamedTuple):
    """A part of a line in one font; `glyphs`, from left to right, is None where letters simply follow each other."""

    font: str
    text: str
    width: float
    glyphs: tuple[Glyph, ...] | None


def is_simple(text: str, *, bold: bool = False) -> bool:
    """Tell whether a text is of one font and needs no shaping."""
    return simple_letters(bold=bold).issuperset(text)


@lru_cache(maxsize=8_192)
def runs_of(text: str, *, bold: bool = False) -> tuple[Run, ...]:
    """Return the parts of a line from left to right."""
    if is_simple(text, bold=bold):
        face = face_named(BOLD if bold else REGULAR)
        return (Run(face.name, text, _advance(face, text), None),) if text else ()
    return tuple(
        _shaped(face, part, is_right_to_left=stretch.is_right_to_left)
        for stretch in stretches(text)
        for face, part in _in_order(_by_face(stretch.text, bold=bold), backwards=stretch.is_right_to_left)
    )


def _advance(face: Face, text: str) -> float:
    widths = face.widths
    return sum(widths[ord(letter)] for letter in text)


def _in_order(parts: Iterator[tuple[Face, str]], *, backwards: bool) -> list[tuple[Face, str]]:
    found = list(parts)
    return found[::-1] if backwards else found


def _by_face(text: str, *, bold: bool) -> Iterator[tuple[Face, str]]:
    """Yield the parts of a text that one font writes; marks, joiners and spaces stay with the letter before them."""
    face, part = None, ""
    for letter in text:
        if letter in _LINGERING and (face is None or ord(letter) not in face.letters):
            continue
        stays = face is not None and ord(letter) in face.letters and _lingers(letter)
        own = face if stays else face_for(letter, bold=bold)
        if face is not None and own is not face:
            yield face, part
            part = ""
        face, part = own, part + letter
    if face is not None:
        yield face, part


def _lingers(letter: str) -> bool:
    return letter.isspace() or letter in _LINGERING or unicodedata.combining(letter) > 0


def _shaped(face: Face, text: str, *, is_right_to_left: bool) -> Run:
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if is_right_to_left else "ltr"
    uharfbuzz.shape(face.shaper, buffer, {})
    glyphs = []
    for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        advance, dx, dy = (each * face.scale for each in (place.x_advance, place.x_offset, place.y_offset))
        glyphs.append(Glyph(info.cluster, face.letter_of(info.codepoint, advance), dx, dy, advance))
    return Run(face.name, text, sum(glyph.advance for glyph in glyphs), tuple(glyphs))


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line in points."""
    return sum(run.width for run in runs_of(text, bold=bold)) * size / 1000


def draw(canvas: Any, x: float, y: float, text: str, size: float, *, bold: bool = False) -> None:
    """Draw a line from its left end on its base line, in the canvas's colour."""
    lines = canvas.beginText()
    put(lines, x, y, text, size, bold=bold)
    canvas.drawText(lines)


def put(lines: Any, x: float, y: float, text: str, size: float, *, bold: bool = False) -> None:
    """Put a line into a text object; shaped parts carry the text that they stand for, so that it can be searched."""
    for run in runs_of(text, bold=bold):
        lines.setFont(run.font, size)
        lines.setTextOrigin(x, y)
        if run.glyphs is None:
            lines.textOut(run.text)
        else:
            _put_glyphs(lines, x, y, run, size)
        x += run.width * size / 1000


def _put_glyphs(lines: Any, x: float, y: float, run: Run, size: float) -> None:
    for text, glyphs in _spans(run):
        meant = (b"\xfe\xff" + text.encode("utf-16-be", "replace")).hex().upper()
        lines._code.append(f"/Span <</ActualText <{meant}>>> BDC")
        for glyph in glyphs:
            lines.setTextOrigin(x + glyph.dx * size / 1000, y + glyph.dy * size / 1000)
            lines.textOut(glyph.letter)
            x += glyph.advance * size / 1000
        lines._code.append("EMC")


def _spans(run: Run) -> Iterator[tuple[str, Sequence[Glyph]]]:
    """Yield what stands for which text: the whole run, or each cluster where the reader turns the order around."""
    glyphs = run.glyphs or ()
    if not glyphs or glyphs[0].cluster <= glyphs[-1].cluster:
        yield run.text, glyphs
        return
    groups = [(cluster, list(group)) for cluster, group in groupby(glyphs, lambda glyph: glyph.cluster)]
    ends = [len(run.text), *(cluster for cluster, _ in groups)]
    for (cluster, group), end in zip(groups, ends, strict=False):
        yield run.text[cluster:end], group


def shortened(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return a text that takes no more than a width, with an ellipsis where it was cut."""
    if width_of(text, size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(text[:middle].rstrip() + ELLIPSIS, size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + ELLIPSIS


def wrapped(text: str, width: float, size: float, *, bold: bool = False, most: int | None = None) -> list[str]:
    """Return the lines of a text; a word longer than a line is broken, lines after `most` become an ellipsis."""
    if width_of(text, size, bold=bold) <= width:
        return [text]
    lines: list[str] = []
    line, used = "", 0.0
    for piece in _pieces(text, width, size, bold=bold):
        length = width_of(piece, size, bold=bold)
        if line and used + length > width and not piece.isspace():
            lines.append(line.rstrip())
            line, used = "", 0.0
            if most is not None and len(lines) >= most:
                return [*lines[:-1], shortened(f"{lines[-1]} {ELLIPSIS}", width, size, bold=bold)]
        if line or not piece.isspace():
            line, used = line + piece, used + length
    return [*lines, line.rstrip()] if line else lines


def _pieces(text: str, width: float, size: float, *, bold: bool) -> Iterator[str]:
    for found in _PIECES.finditer(text):
        piece = found[0]
        while piece and not piece.isspace() and width_of(piece, size, bold=bold) > width:
            cut = _fitting(piece, width, size, bold=bold)
            yield piece[:cut]
            piece = piece[cut:]
        if piece:
            yield piece


def _fitting(word: str, width: float, size: float, *, bold: bool) -> int:
    """Return how many letters of a word fit, at least one."""
    low, high = 1, min(len(word), int(width / size * 8) + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(word[:middle], size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return low
