"""The forms of the Schedule and the Triggers tab: when a draft runs, asked for by the IR's own shapes."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any, Final

from flows.forms.controls import Offers
from flows.forms.drafts import in_order, node_list
from flows.forms.shapes import TIMING, Shape, shape_of
from flows.forms.typed import act_on, read_typed
from flows.selectors.showing import text_of

SCHEDULE: Final = "schedule"
TRIGGER: Final = "trigger"
PARTS: Final = (SCHEDULE, TRIGGER)
# What is asked at once, in this order; what is not named here stands under “More”.
_FRONT: Final = (
    "expression", "minutes", "rule", "timezone", "anchor", "dtstart", "sourceId", "controlFilePattern", "catchUp",
    "overlap", "debounceSeconds", "stableSeconds", "enabled", "deadline", "windowMinutes", "onMiss",
)  # fmt: skip
# What a schedule of a kind begins with: something that reads well and can be changed.
_BEGINNINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "cron": {"expression": "0 9 * * *"},
    "interval": {"minutes": 60},
    "rrule": {"rule": "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0"},
}
_CHOICES: Final = {
    "schedule.kind": [
        ("cron", "By a cron expression"), ("interval", "Every so many minutes"), ("rrule", "By a calendar's rule"),
    ],
    "schedule.catchUp": [
        ("latest", "One run for the newest"), ("all", "A run for each"), ("none", "No run, they are counted"),
    ],
    "schedule.overlap": [
        ("queue", "The next run waits for it"), ("skip", "The next run is left out"),
        ("allow", "The next run is queued too"),
    ],
    "trigger.deadline.onMiss": [
        ("alert", "Raise an alert"), ("fail", "Raise an alert and count a failed run"),
        ("skip", "Note it, nothing else"),
    ],
}  # fmt: skip


@cache
def timing_shape(part: str) -> Shape:
    """Return the shape of the schedule alone, or of the trigger alone, with what matters most in front."""
    whole = shape_of(TIMING)
    return replace(whole, fields=tuple(_arranged(each) for each in whole.fields if each.name == part))


def _arranged(shape: Shape) -> Shape:
    fields = sorted((_arranged(each) for each in shape.fields), key=_place)
    variants = {name: _arranged(each) for name, each in shape.variants.items()}
    return replace(
        shape, fields=tuple(replace(each, is_front=each.name in _FRONT) for each in fields),
        variants=variants,
    )  # fmt: skip


def _place(shape: Shape) -> int:
    return _FRONT.index(shape.name) if shape.name in _FRONT else len(_FRONT)


def timing_of(draft: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return what a draft says about the part; nothing where it says nothing."""
    return {part: deepcopy(draft[part])} if isinstance(draft.get(part), dict) else {}


def take_typed(draft: Mapping[str, Any], part: str, post: Mapping[str, str], act: str = "") -> dict[str, Any]:
    """Return the draft with what was typed for a part, after what a button of the form says.

    What does not fit its field stays as it was typed: the check of the whole draft says what is wrong with it.
    """
    shape, kept = timing_shape(part), timing_of(draft, part)
    value = act_on(shape, read_typed(shape, post, kept), act)
    changed = {name: each for name, each in draft.items() if name != part}
    said = value.get(part)
    if isinstance(said, dict):
        changed[part] = _begun(part, said, draft) if act in {"pick", f"add:{part}"} else said
    return in_order(changed)


def _begun(part: str, said: Mapping[str, Any], draft: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schedule or trigger of a kind that was just chosen, with what it needs to mean something."""
    if part == SCHEDULE:
        kind = text_of(said, "kind")
        needed = {name: value for name, value in _BEGINNINGS.get(kind, {}).items() if not said.get(name)}
        return {**said, **needed}
    sources = source_ids(draft)
    return {"kind": "file_arrival", **({"sourceId": sources[0]} if sources else {}), **said}


def source_ids(draft: Mapping[str, Any]) -> list[str]:
    """Return the sources that a trigger can wait at."""
    nodes = [node for node in node_list(draft) if isinstance(node, dict) and node.get("kind") == "source"]
    return [text_of(node, "id") for node in nodes if text_of(node, "id")]


def timing_offers(draft: Mapping[str, Any]) -> Offers:
    """Return what the forms can offer: words for choices, the draft's sources, zones."""
    sources = [(each, each) for each in source_ids(draft)]
    return Offers(choices={**_CHOICES, "trigger.sourceId": sources}, suggested={"timezone": "flow-zones"})
