"""The fonts inside a PDF: Noto Sans, and for each other script the one that has it; loaded when first needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Final

import uharfbuzz
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FOLDER: Final = Path(__file__).resolve().parent.parent / "fonts"
REGULAR, BOLD = "NotoSans-Regular", "NotoSans-Bold"
SYMBOLS, IDEOGRAPHS = "DejaVuSans", "DroidSansFallback"
# Glyphs without a letter of their own (ligatures, joined forms) get one from here on: the same in every document.
PRIVATE: Final = 0xF0000

_SCRIPTS: Final = (
    (0x0530, 0x058F, "Armenian"), (0x0590, 0x05FF, "Hebrew"), (0x0600, 0x06FF, "Arabic"), (0x0750, 0x077F, "Arabic"),
    (0x08A0, 0x08FF, "Arabic"), (0x0900, 0x097F, "Devanagari"), (0x0980, 0x09FF, "Bengali"),
    (0x0A00, 0x0A7F, "Gurmukhi"), (0x0A80, 0x0AFF, "Gujarati"), (0x0B80, 0x0BFF, "Tamil"), (0x0C00, 0x0C7F, "Telugu"),
    (0x0C80, 0x0CFF, "Kannada"), (0x0D00, 0x0D7F, "Malayalam"), (0x0D80, 0x0DFF, "Sinhala"), (0x0E00, 0x0E7F, "Thai"),
    (0x0E80, 0x0EFF, "Lao"), (0x1000, 0x109F, "Myanmar"), (0x10A0, 0x10FF, "Georgian"), (0x1200, 0x139F, "Ethiopic"),
    (0x1780, 0x17FF, "Khmer"), (0x19E0, 0x19FF, "Khmer"), (0x1C90, 0x1CBF, "Georgian"), (0x2D00, 0x2D2F, "Georgian"),
    (0x2D80, 0x2DDF, "Ethiopic"), (0xA8E0, 0xA8FF, "Devanagari"), (0xAA60, 0xAA7F, "Myanmar"),
    (0xAB00, 0xAB2F, "Ethiopic"), (0xFB13, 0xFB17, "Armenian"), (0xFB1D, 0xFB4F, "Hebrew"), (0xFB50, 0xFDFF, "Arabic"),
    (0xFE70, 0xFEFF, "Arabic"),
)  # fmt: skip
_LOADING: Final = Lock()


@dataclass(frozen=True)
class Face:
    """A font file: reportlab's reading of it, and the shaper's."""

    name: str
    font: Any

    @property
    def letters(self) -> Mapping[int, int]:
        """Return the glyph of each letter."""
        return self.font.face.charToGlyph  # type: ignore[no-any-return]

    @property
    def widths(self) -> Mapping[int, float]:
        """Return the width of each letter, in thousandths of the size."""
        return self.font.face.charWidths  # type: ignore[no-any-return]

    @cached_property
    def shaper(self) -> Any:
        """Return the font as HarfBuzz reads it."""
        return uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(FOLDER / f"{self.name}.ttf"))))

    @cached_property
    def scale(self) -> float:
        """Return what the shaper's units are in thousandths of the size."""
        return 1000 / float(self.shaper.face.upem)

    def letter_of(self, glyph: int, advance: float) -> str:
        """Return a letter that this font writes with a glyph, a private one when it has none."""
        face = self.font.face
        own = face.glyphToChar.get(glyph)
        if own:
            return chr(own[0])
        private = PRIVATE + glyph
        face.charWidths.setdefault(private, advance)
        face.charToGlyph.setdefault(private, glyph)
        return chr(private)


@cache
def _loaded(name: str) -> Face:
    font = TTFont(name, str(FOLDER / f"{name}.ttf"), shapable=False)
    pdfmetrics.registerFont(font)
    return Face(name, font)


def face_named(name: str) -> Face:
    """Return a font, registered with reportlab."""
    with _LOADING:
        return _loaded(name)


@cache
def simple_letters(*, bold: bool) -> frozenset[str]:
    """Return the letters that Noto Sans writes one after the other, without shaping: Latin, Greek, Cyrillic, signs."""
    letters = face_named(BOLD if bold else REGULAR).letters
    blocks = ((0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x481), (0x48A, 0x52F), (0x1E00, 0x1FFF))
    signs = ((0x2010, 0x2027), (0x2030, 0x205E), (0x2070, 0x209F), (0x20A0, 0x20BF), (0x2116, 0x2122), (0x2212, 0x2212))
    return frozenset(chr(code) for low, high in blocks + signs for code in range(low, high + 1) if code in letters)


def face_for(letter: str, *, bold: bool) -> Face:
    """Return the font that has a letter: Noto Sans, whose box stands for it, when none has."""
    code = ord(letter)
    first = face_named(BOLD if bold else REGULAR)
    if code in first.letters:
        return first
    for name in _candidates(code):
        face = face_named(name)
        if code in face.letters:
            return face
    return first


def _candidates(code: int) -> list[str]:
    found = [f"NotoSans{script}-Regular" for low, high, script in _SCRIPTS if low <= code <= high]
    return [*found, *([SYMBOLS] if 0x2000 <= code < 0x2E80 or code >= 0x1F000 else []), IDEOGRAPHS]
