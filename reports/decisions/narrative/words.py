"""Words and signs that count: what a text may not hold outside of its slots, because code owns every number.

A text is English prose in Latin letters and a few marks. Digits, also those of other scripts, superscripts, fractions,
per cent and currency signs are no such marks, so what is left to find is numbers in words and Roman numerals.
"""

import re
import unicodedata
from typing import Final

from reports.decisions.narrative.vocabulary import COMMON, COUNTING, ORDINALS, STEMS

MARKS: Final = " .,;:?'()&-–—‘’“”\"…"
_LETTER_BLOCKS: Final = ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x17F))

_STEM: Final = "|".join(sorted(STEMS, key=len, reverse=True))
_NTH: Final = "|".join(sorted(ORDINALS, key=len, reverse=True))
# "twentyfive", "tens", "threefold", "hundredths", "thousandfold"
_COMPOUND: Final = re.compile(rf"(?:(?:{_STEM})(?:and)?)+(?:s|th|ths|ish|fold|some|plus|odd|{_NTH})?")
_ORDINAL: Final = re.compile(rf"(?:{_NTH})(?:s|ly)?")
_MULTIPLE: Final = re.compile(r"(?:doubl|tripl|trebl|quadrupl|quintupl|sextupl|septupl|octupl|decupl)(?:es?|ed|ing|y)")
_ROMAN: Final = re.compile(r"(?=[MDCLXVI])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_NO_ROMAN: Final = frozenset({"mix"})
_WORD: Final = re.compile(r"[^\W\d_]+")
_AFTER_APOSTROPHE: Final = frozenset({"s", "t", "re", "ve", "ll", "d", "m"})
_LOOKS_LIKE_ZEROS: Final = re.compile(r"[oO]{3,}|OO")
_DOMAIN: Final = re.compile(r"[^\W\d_]\.[^\W\d_]{2,}|\bwww\b|\bhttps?\b", re.IGNORECASE)

_ENOUGH_WORDS: Final = 8
_SHARE_OF_COMMON: Final = 0.12


def foreign_sign(text: str) -> str:
    """Return the first character that prose may not hold, empty when there is none."""
    for character in text:
        if character not in MARKS and not any(low <= ord(character) <= high for low, high in _LETTER_BLOCKS):
            return character
    return ""


def words_of(text: str) -> list[str]:
    """Return the words, in lower case and as they stand; what hyphens join is several."""
    return [word.casefold() for word in _WORD.findall(text)]


def number_word(text: str) -> str:
    """Return the first word that counts, empty when there is none: numbers, ordinals, multiples, Roman numerals."""
    for found in _WORD.finditer(text):
        word = found[0]
        if word.casefold() in _AFTER_APOSTROPHE and text[: found.start()].endswith(("'", "’")):
            continue
        if _counts(word.casefold()) or _counts(_plain(word)) or _is_numeral(word):
            return word
    return ""


def _plain(word: str) -> str:
    """Return the word without accents: a number is one however it is decorated."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _counts(word: str) -> bool:
    if word in COUNTING or word.removesuffix("s") in COUNTING:
        return True
    return any(pattern.fullmatch(word) for pattern in (_COMPOUND, _ORDINAL, _MULTIPLE))


def _is_numeral(word: str) -> bool:
    if len(word) == 1:
        return word not in "aA"
    if _LOOKS_LIKE_ZEROS.search(word):
        return True
    is_one_case = word.isupper() or word.islower()
    return is_one_case and word.casefold() not in _NO_ROMAN and _ROMAN.fullmatch(word.upper()) is not None


def address_in(text: str) -> str:
    """Return what reads as a web address, empty when nothing does."""
    found = _DOMAIN.search(text)
    return found[0] if found else ""


def is_english(text: str) -> bool:
    """Tell whether a text reads as English: the lists of words above know no other language well."""
    words = words_of(text)
    common = sum(word in COMMON for word in words)
    return len(words) < _ENOUGH_WORDS or common >= len(words) * _SHARE_OF_COMMON
