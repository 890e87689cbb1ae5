"""What stands in the Compose part of a page as it was typed, and what its buttons do to it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.http import QueryDict

from reports.decisions.definition import ReportDefinition, SectionWish, SourceCall

MOST_BLOCKS: Final = 20
# As many as the API takes: what it saved with more than a page adds can still be changed on the page.
_MOST_READ: Final = 100
DEFAULT_SOURCE: Final = "offer_performance"
_TOKEN: Final = re.compile(r"[0-9]{1,4}")
_ACT: Final = re.compile(r"(remove|up|down|change):([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class TypedBlock:
    """One section with its source. The token names its controls and stays with it wherever it is moved.

    `params` holds texts by name as they were typed, or the values of a kept template. `was` is the source whose params
    stood on the page: a switch that is not sent was off only if it was shown.
    """

    token: int
    key: str
    title: str = ""
    section_id: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    was: str = ""


def typed_blocks(post: QueryDict) -> list[TypedBlock]:
    """Return the blocks of a form in the order of the page; what is no block of ours is left out."""
    tokens = dict.fromkeys(int(each) for each in post.getlist("block") if _TOKEN.fullmatch(each))
    return [_typed(post, token) for token in list(tokens)[:_MOST_READ]]


def _typed(post: QueryDict, token: int) -> TypedBlock:
    start = f"block-{token}-"
    params = {
        name.removeprefix(f"{start}param-"): post[name] for name in post if name.startswith(f"{start}param-")
    }  # fmt: skip
    return TypedBlock(
        token, post.get(f"{start}key", ""), post.get(f"{start}title", ""), post.get(f"{start}id", ""), params,
        post.get(f"{start}was", ""),
    )  # fmt: skip


def kept_blocks(definition: ReportDefinition) -> list[TypedBlock]:
    """Return the blocks of a kept report: one for each of its sections, or for each source where it names none."""
    sources = definition.data_sources
    wishes = definition.sections or tuple(
        SectionWish("", "", place) for place in range(len(sources))
    )  # fmt: skip
    shown = [wish for wish in wishes if wish.data_source_index < len(sources)]
    return [_kept(place, wish, sources[wish.data_source_index]) for place, wish in enumerate(shown, 1)]


def _kept(token: int, wish: SectionWish, call: SourceCall) -> TypedBlock:
    return TypedBlock(token, call.source_key, wish.title, wish.id, call.params, call.source_key)


def unshown_sources(definition: ReportDefinition) -> int:
    """Return how many sources no section names: saving the page leaves them out."""
    if not definition.sections:
        return 0
    return len(set(range(len(definition.data_sources))) - {wish.data_source_index for wish in definition.sections})


def act_on(blocks: Sequence[TypedBlock], act: str, *, default_key: str = DEFAULT_SOURCE) -> list[TypedBlock]:
    """Return the blocks after a button: `add`, `remove:3`, `up:3`, `down:3`; anything else leaves them as they are."""
    changed = list(blocks)
    if act == "add":
        if len(changed) < MOST_BLOCKS:
            changed.append(TypedBlock(max((each.token for each in changed), default=0) + 1, default_key))
        return changed
    found = _ACT.fullmatch(act)
    place = next((at for at, each in enumerate(changed) if found and each.token == int(found[2])), None)
    if found is None or place is None:
        return changed
    if found[1] == "remove":
        del changed[place]
    elif found[1] in {"up", "down"}:
        other = place + (1 if found[1] == "down" else -1)
        if 0 <= other < len(changed):
            changed[place], changed[other] = changed[other], changed[place]
    else:
        # Another source: the title that was typed for the one before would mislead.
        changed[place] = replace(changed[place], title="")
    return changed
