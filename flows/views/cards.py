"""The Visual part of the editor: the nodes of a draft as cards in flow order, each with what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flows.forms.checking import Checked, Problem
from flows.forms.drafts import ADDABLE, ranks_of
from flows.selectors.showing import KINDS, node_words, text_of

# In the order of the toolbar; sources are added too, for joins.
BUTTONS: Final = [
    (kind, KINDS[kind][0]) for kind in ("transform", "validate", "enrich", "branch", "join", "target", "source")
]
assert {kind for kind, _ in BUTTONS} == set(ADDABLE)


@dataclass(frozen=True, slots=True)
class Card:
    """A node; `place` is its number in the list, `reads` whose rows it reads."""

    id: str
    place: int
    kind: str
    label: str
    icon: str
    words: list[str]
    reads: list[str]
    problems: Sequence[Problem]
    warnings: Sequence[Problem] = ()

    @property
    def is_editable(self) -> bool:
        """Tell whether a form can open it: its kind and id must be known."""
        return self.kind in KINDS and bool(self.id)

    @property
    def is_readable(self) -> bool:
        """Tell whether it gives rows that can be looked at."""
        return self.kind in KINDS and bool(self.id)


def card_rows(checked: Checked) -> list[list[Card]]:
    """Return the cards, a list for each step of the flow."""
    problems, warnings = checked.by_place, checked.warnings_by_place
    ranks = ranks_of(checked.draft or {})
    return [
        [_card(place, node, problems.get(place, []), warnings.get(place, [])) for place, node in rank.nodes]
        for rank in ranks
    ]


def _card(
    place: int, node: Mapping[str, Any], problems: Sequence[Problem], warnings: Sequence[Problem]
) -> Card:  # fmt: skip
    kind = text_of(node, "kind")
    label, icon = KINDS.get(kind, (kind or "No kind", "help"))
    reads = [text_of(node, name) for name in ("input", "left", "right") if text_of(node, name)]
    return Card(text_of(node, "id"), place, kind, label, icon, node_words(node), reads, problems, warnings)
