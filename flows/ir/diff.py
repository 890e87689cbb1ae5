"""What changed between two versions of an IR: nodes are told apart by their id, all else by its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flows.ir.pipeline import PipelineIR
from flows.ir.problems import Location, path_of

ChangeKind = Literal["added", "removed", "changed", "moved"]
# Of lists whose items have a name: the field that holds it.
_NAMES = ("id", "as", "name")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where it stands in the new version (of what was removed: in the old), and both values."""

    path: str
    kind: ChangeKind
    before: Any
    after: Any


def diff_irs(old: PipelineIR | Mapping[str, Any], new: PipelineIR | Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the differences of two IRs, parsed or as documents, in the order of the new one.

    Items of a list that have ids are compared with their namesake; one that only stands elsewhere was `moved`.
    """
    return tuple(_differences((), _document(old), _document(new)))


def _document(ir: PipelineIR | Mapping[str, Any]) -> dict[str, Any]:
    return ir.model_dump(by_alias=True, exclude_unset=True) if isinstance(ir, PipelineIR) else dict(ir)


def _differences(at: Location, old: Any, new: Any) -> Iterator[Change]:
    if _is_same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _of_objects(at, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        names = (_names(old), _names(new))
        yield from _of_named(at, old, new, *names) if names[0] and names[1] else _of_lists(at, old, new)
    else:
        yield Change(path_of(at), "changed", old, new)


def _is_same(old: Any, new: Any) -> bool:
    """Tell whether two values are written alike: 1, 1.0 and true are three, an object's order is none."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_is_same(value, new[key]) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_is_same, old, new))
    return type(old) is type(new) and bool(old == new)


def _of_objects(at: Location, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for key, value in new.items():
        if key in old:
            yield from _differences((*at, key), old[key], value)
        else:
            yield Change(path_of((*at, key)), "added", None, value)
    for key, value in old.items():
        if key not in new:
            yield Change(path_of((*at, key)), "removed", value, None)


def _of_lists(at: Location, old: list[Any], new: list[Any]) -> Iterator[Change]:
    for number, (before, after) in enumerate(zip(old, new, strict=False)):
        yield from _differences((*at, number), before, after)
    for number in range(len(old), len(new)):
        yield Change(path_of((*at, number)), "added", None, new[number])
    for number in range(len(new), len(old)):
        yield Change(path_of((*at, number)), "removed", old[number], None)


def _of_named(
    at: Location, old: list[Any], new: list[Any], old_names: list[str], new_names: list[str]
) -> Iterator[Change]:
    kept = [name for name in old_names if name in set(new_names)]
    places = {name: number for number, name in enumerate(name for name in new_names if name in set(kept))}
    for number, name in enumerate(new_names):
        if name not in places:
            yield Change(path_of((*at, number)), "added", None, new[number])
            continue
        if kept[places[name]] != name:
            yield Change(path_of((*at, number)), "moved", old_names.index(name), number)
        yield from _differences((*at, number), old[old_names.index(name)], new[number])
    for number, name in enumerate(old_names):
        if name not in places:
            yield Change(path_of((*at, number)), "removed", old[number], None)


def _names(items: list[Any]) -> list[str]:
    """Return the names of a list's items, or nothing when not every item has one of its own."""
    for key in _NAMES:
        names = [item.get(key) for item in items if isinstance(item, dict)]
        if len(names) == len(items) and all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return [str(name) for name in names]
    return []
