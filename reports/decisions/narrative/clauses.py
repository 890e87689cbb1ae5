"""A text taken apart into clauses, for the checks that ask which words stand beside which figure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from reports.decisions.narrative.draft import SLOT
from reports.decisions.narrative.slots import Slot, SlotKind

_TOKEN: Final = re.compile(rf"{SLOT.pattern}|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)|(?P<mark>[.,;:?–—])")
_CLAUSE_MARKS: Final = frozenset(",;:–—")
_CLAUSE_WORDS: Final = frozenset({"while", "whereas", "but", "although", "though", "yet", "whilst", "however"})

# Stands for a slot or a mark among the words, so that no label reaches across one.
_BREAK: Final = "qqslotqq"

Token = str | Slot


@dataclass(slots=True)
class Clause:
    """Words (in lower case) and slots between two marks; `sentence` has those of the whole sentence with its marks."""

    tokens: list[Token] = field(default_factory=list)
    sentence: list[Token] = field(default_factory=list)
    # Where the clause begins in its sentence.
    start: int = 0

    def slots(self) -> list[Slot]:
        """Return the slots of the clause."""
        return [token for token in self.tokens if isinstance(token, Slot)]

    def sentence_slots(self) -> list[Slot]:
        """Return the slots of the whole sentence."""
        return [token for token in self.sentence if isinstance(token, Slot)]

    def spoken(self, labels: set[str]) -> set[str]:
        """Return those labels that the clause speaks of, or the sentence when the clause speaks of none."""
        return self.spoken_here(labels) or _spoken(self.sentence, labels)

    def spoken_here(self, labels: set[str]) -> set[str]:
        """Return those labels that the clause speaks of."""
        return _spoken(self.tokens, labels)

    def names(self, label: str) -> bool:
        """Tell whether the sentence speaks of a label; one without a letter needs no naming."""
        return not stem(label) or bool(_spoken(self.sentence, {label}))


def read_clauses(text: str, slots: Mapping[str, Slot]) -> list[Clause]:
    """Return the clauses of a text in their order; every slot in it must be known."""
    clauses = [Clause()]
    sentence: list[Token] = clauses[0].sentence
    for found in _TOKEN.finditer(text):
        if found["mark"]:
            sentence.append(found["mark"])
            if found["mark"] not in _CLAUSE_MARKS:
                sentence = []
            clauses.append(Clause(sentence=sentence, start=len(sentence)))
            continue
        tokens = _tokens(found["word"], slots.get(found[1] or ""))
        if tokens[0] in _CLAUSE_WORDS:
            clauses.append(Clause(sentence=sentence, start=len(sentence)))
        clauses[-1].tokens += tokens
        sentence += tokens
    return clauses


def _tokens(word: str | None, slot: Slot | None) -> list[Token]:
    """Return a word in lower case, a slot, or the words of the label that a slot stands for."""
    if slot is None:
        return [(word or "").casefold()]
    return [*(_words(slot.text) or [_BREAK])] if slot.kind is SlotKind.LABEL else [slot]


def masked(clauses: list[Clause], labels: set[str]) -> list[Clause]:
    """Return the clauses with the words of labels taken out: "failed" in "Failed decisions" denies nothing."""
    lines: dict[int, list[Token]] = {}
    for clause in clauses:
        if id(clause.sentence) not in lines:
            lines[id(clause.sentence)] = _masked(clause.sentence, [stem(label) for label in labels])
    return [
        Clause(line[clause.start : clause.start + len(clause.tokens)], line, clause.start)
        for clause in clauses
        for line in [lines[id(clause.sentence)]]
    ]


def _masked(sentence: list[Token], labels: list[list[str]]) -> list[Token]:
    stems = [stem(token) if isinstance(token, str) else [] for token in sentence]
    line = list(sentence)
    for label in filter(None, labels):
        for place in range(len(sentence) - len(label) + 1):
            if stems[place : place + len(label)] == [[word] for word in label]:
                line[place : place + len(label)] = [_BREAK] * len(label)
    return line


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.casefold())


def stem(text: str) -> list[str]:
    """Return the words of a label or a phrase in lower case, without the "s" of a plural."""
    return [word.removesuffix("s") for word in _words(text)]


def _spoken(tokens: list[Token], labels: set[str]) -> set[str]:
    """Return the labels among the words; a label inside of a longer one that is there too does not count."""
    line = _line(" ".join(token if isinstance(token, str) and token[0].isalpha() else _BREAK for token in tokens))
    found = {label for label in labels if stem(label) and _line(label) in line}
    return {label for label in found if not any(label != other and _line(label) in _line(other) for other in found)}


def _line(text: str) -> str:
    return f" {' '.join(stem(text))} "
