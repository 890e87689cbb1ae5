"""May a draft be used? The first reason why not, in words for an operator.

Nothing here trusts the model: a figure that it wrote itself, a slot that does not exist, a slot so placed that two
figures read as one or a figure as another, a row's figure beside another row's name, all refuse the text.
"""

import re
from collections.abc import Mapping
from typing import Final

from reports.decisions.narrative.clauses import masked, read_clauses
from reports.decisions.narrative.directions import direction_refusal
from reports.decisions.narrative.draft import SLOT, Draft, TextRefusedError, shown
from reports.decisions.narrative.meanings import meaning_refusal
from reports.decisions.narrative.naming import naming_refusal
from reports.decisions.narrative.roles import role_refusal
from reports.decisions.narrative.slots import Slot, SlotBook
from reports.decisions.narrative.words import address_in, foreign_sign, is_english, number_word

# What may stand right before and right after a figure: "1,234." and "(1,234)", never "-1,234", "1,234k" or "12:34".
_BEFORE: Final = re.compile(r"(?:^|[\s(])\Z")
_AFTER: Final = re.compile(r"\A(?:$|\s|[.,;:?)](?:$|[\s.,;:?)])|['’]s(?:$|\s))")
_DASH_BEFORE: Final = re.compile(r"[-–—]\s*\Z")
_SPOKEN_SIGN: Final = re.compile(r"\A\s*(?:point|dot|comma|oh|over|by|times|x|to the)\s*\Z", re.IGNORECASE)
# Words that make another number of the figure which follows them.
_HEDGE: Final = re.compile(
    r"\b(?:(?:more|less|fewer|greater|higher|lower|better|other|rather) than|over|under|above|below|nearly|almost|about"
    r"|around|roughly|approximately|approx|at least|at most|up to|as (?:much|many|few|little) as|beyond|exceed\w*"
    r"|surpass\w*|close to|some|not|never|negative|times|short of|shy of|just off|well past|past|a further|another"
    r"|an additional|additional)[\s(]*\Z",
    re.IGNORECASE,
)
_SUFFIX: Final = re.compile(
    r"\A[\s)]*(?:times|x|fold|or (?:more|less|so)|and (?:more|counting|change))\b", re.IGNORECASE
)


def check(draft: Draft, book: SlotBook) -> None:
    """Raise TextRefusedError when a part of the draft may not be used; the reason names the part."""
    for where, text in draft.parts().items():
        if reason := refusal(text, book):
            raise TextRefusedError(f"{where} {reason}")


def refusal(text: str, book: SlotBook) -> str:
    """Say why a text may not be used, empty when it may."""
    own = SLOT.sub(" ", text)
    if sign := foreign_sign(own):
        return f"holds the sign “{shown(sign)}”, which is no part of a figure given"
    if word := number_word(own):
        return f"counts by itself: “{shown(word)}”"
    if address := address_in(own):
        return f"holds an address: “{shown(address)}”"
    if not is_english(own):
        return "is not English, so that its figures cannot be checked"
    if unknown := next((key for key in SLOT.findall(text) if key not in book.slots), ""):
        return f"uses the slot “{shown(unknown)}”, which the data do not have"
    clauses = read_clauses(text, book.slots)
    quiet = masked(clauses, {slot.label for slot in book.slots.values() if slot.column and not slot.names_row})
    return (
        _placing(text, book.slots)
        or meaning_refusal(clauses, quiet, book)
        or role_refusal(quiet)
        or direction_refusal(quiet)
        or naming_refusal(clauses, book)
    )


def _placing(text: str, slots: Mapping[str, Slot]) -> str:
    """Say which figure is so placed that it reads as another number."""
    last_end, last_is_figure = 0, False
    for found in SLOT.finditer(text):
        between, after = text[last_end : found.start()], text[found.end() :]
        is_figure = slots[found[1]].is_figure
        if is_figure and _distorts(text[: found.start()], after):
            return f"places {found[0]} so that it reads as another number"
        if is_figure and last_is_figure and not _separates(between):
            return f"places two figures so that they read as one, at {found[0]}"
        if not is_figure and (after[:1].isalnum() or after[:2] == "{{"):
            return f"runs {found[0]} into what follows"
        last_end, last_is_figure = found.end(), is_figure
    return ""


def _distorts(before: str, after: str) -> bool:
    if not _BEFORE.search(before) or not _AFTER.match(after):
        return True
    return any(pattern.search(before) for pattern in (_DASH_BEFORE, _HEDGE)) or _SUFFIX.match(after) is not None


def _separates(between: str) -> bool:
    return ("(" in between or any(map(str.isalpha, between))) and not _SPOKEN_SIGN.match(between)
