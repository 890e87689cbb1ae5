"""The grammar of row rules: a word, a colon, an argument."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from flows.ir.patterns import pattern_refusal

RuleKind = Literal["not_null", "gt", "gte", "lt", "lte", "eq", "in", "regex", "length"]
FORMS: Final = "not_null, gt:, gte:, lt:, lte:, eq:, in:a,b, regex:, length:1..20"
_COMPARES: Final[Mapping[str, RuleKind]] = {"gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte", "eq": "eq"}
_LENGTH: Final = re.compile(r"(\d{1,7})?(\.\.)?(\d{1,7})?", re.ASCII)


class RuleRefused(Exception):
    """A text is no row rule; the message says what one looks like."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Rule:
    """A row rule, read.

    `number` is the argument of a comparison when it is one, else it compares as text, date or time, as the column is;
    `values` those of `in`; `pattern` the regular expression, to be found anywhere in the text; `least` and `most` the
    bounds of a length in characters, None for none. A rule other than `not_null` lets null pass.
    """

    kind: RuleKind
    argument: str = ""
    number: Decimal | None = None
    values: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None


def read_rule(text: str) -> Rule:
    """Read a row rule such as `gt:0`; raise RuleRefused."""
    word, colon, argument = text.partition(":")
    if word == "not_null":
        if colon:
            raise RuleRefused("not_null takes no argument")
        return Rule("not_null")
    if not colon or word not in {*_COMPARES, "in", "regex", "length"}:
        raise RuleRefused(f"{text[:80]!r} is no rule; give one of {FORMS}")
    if not argument:
        raise RuleRefused(f"{word}: needs something after the colon")
    if word == "in":
        return Rule("in", argument, values=_values(argument))
    if word == "regex":
        return Rule("regex", _pattern(argument))
    if word == "length":
        return _length(argument)
    return Rule(_COMPARES[word], argument, number=_number(argument))


def _number(text: str) -> Decimal | None:
    """Return a number of at most 38 digits, or None for a text."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and len(number.as_tuple().digits) <= 38 and text == text.strip() else None


def _values(argument: str) -> tuple[str, ...]:
    r"""Split at commas; a comma within a value is written `\,` and a backslash `\\`."""
    parts = [""]
    is_escaped = False
    for character in argument:
        if is_escaped:
            parts[-1] += character if character in ",\\" else f"\\{character}"
            is_escaped = False
        elif character == "\\":
            is_escaped = True
        elif character == ",":
            parts.append("")
        else:
            parts[-1] += character
    if is_escaped:
        parts[-1] += "\\"
    return tuple(dict.fromkeys(parts))


def _pattern(argument: str) -> str:
    if refusal := pattern_refusal(argument):
        raise RuleRefused(f"regex: {refusal}")
    return argument


def _length(argument: str) -> Rule:
    """Read `5`, `1..20`, `1..` or `..20`."""
    found = _LENGTH.fullmatch(argument)
    if found is None or not (found[1] or found[3]) or (found[3] and not found[2]):
        raise RuleRefused("length: takes a number or a range, such as length:5, length:1..20, length:1..")
    least = int(found[1]) if found[1] else None
    most = int(found[3]) if found[3] else None if found[2] else least
    if least is not None and most is not None and most < least:
        raise RuleRefused(f"length: {argument} runs backwards")
    return Rule("length", argument, least=least, most=most)
