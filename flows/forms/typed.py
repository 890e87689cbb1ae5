"""From the controls of a form back to the JSON of a node, and what the buttons of lists do to it."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from flows.forms.shapes import Kind, Shape

PREFIX: Final = "f"
HERE: Final = "__here"
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?")
_ACT: Final = re.compile(r"(add|remove|up|down):([A-Za-z0-9_.]{1,200})")
_PLACE: Final = re.compile(r"0|[1-9][0-9]{0,4}")
_BREAKS: Final = re.compile(r"[\x00-\x1f]")
_MOST_ITEMS: Final = 5_000
_ABSENT: Final = object()


def read_typed(shape: Shape, post: Mapping[str, str], kept: Any = None) -> Any:
    """Return the JSON that a form says; what does not fit its field stays the text that was typed.

    What is empty or equals its default is left out, unless `kept`, the JSON before, had it.
    """
    value = _read(shape, _nest(post), kept)
    return {} if value is _ABSENT else value


def _nest(post: Mapping[str, str]) -> Any:
    """Return the controls as a tree: `f.ops.0.field` stands at ops → 0 → field."""
    tree: dict[str, Any] = {}
    for name, value in post.items():
        head, *path = name.split(".")
        if head != PREFIX or not path or len(path) > 12:
            continue
        branch = tree
        for step in path[:-1]:
            below = branch.setdefault(step, {})
            if not isinstance(below, dict):
                below = branch[step] = {}
            branch = below
        branch[path[-1]] = value.replace("\r\n", "\n")
    return tree


def _read(shape: Shape, typed: Any, kept: Any) -> Any:
    match shape.kind:
        case Kind.GROUP:
            return _read_group(shape, typed, kept)
        case Kind.UNION:
            return _read_union(shape, typed, kept)
        case Kind.LIST:
            return _read_list(shape, typed, kept)
        case Kind.FIXED:
            return shape.default
        case Kind.YES_NO:
            return typed is not None
    return _ABSENT if not isinstance(typed, str) else _read_text(shape, typed)


def _read_group(shape: Shape, typed: Any, kept: Any) -> Any:
    if not isinstance(typed, dict) or (shape.is_nullable and HERE not in typed):
        return _ABSENT
    before = kept if isinstance(kept, Mapping) else {}
    found = {}
    for field in shape.fields:
        value = _read(field, typed.get(field.name), before.get(field.name))
        if value is not _ABSENT and not _goes_without_saying(field, value, before):
            found[field.name] = value
    return found


def _goes_without_saying(field: Shape, value: Any, before: Mapping[str, Any]) -> bool:
    if field.is_required or field.kind in {Kind.FIXED, Kind.SCALAR}:
        return False
    if field.name in before and (value == before[field.name] or value == field.default):
        return False
    if field.kind is Kind.YES_NO and field.is_nullable:
        return value is False
    if field.kind is Kind.GROUP and not field.is_nullable:
        return bool(value == {})
    return bool(value == field.default or value in ("", []))


def _read_union(shape: Shape, typed: Any, kept: Any) -> Any:
    if not isinstance(typed, dict) or (shape.is_nullable and HERE not in typed):
        return _ABSENT
    chosen = shape.variants.get(str(typed.get(shape.discriminator, "")))
    return {} if chosen is None else _read_group(chosen, {HERE: "1", **typed}, kept)


def _read_list(shape: Shape, typed: Any, kept: Any) -> Any:
    if not isinstance(typed, dict) or shape.item is None:
        return _ABSENT
    before = kept if isinstance(kept, list) else [kept] if shape.is_also_single else []
    places = sorted(int(each) for each in typed if _PLACE.fullmatch(each))[:_MOST_ITEMS]
    items = [
        _read(shape.item, typed[str(place)], before[place] if place < len(before) else None) for place in places
    ]  # fmt: skip
    items = [each for each in items if each is not _ABSENT]
    if shape.is_also_single and len(items) == 1 and not isinstance(kept, list):
        return items[0]
    if not items and (shape.is_nullable or not shape.is_required):
        return _ABSENT if shape.default is None else []
    return items


def _read_text(shape: Shape, text: str) -> Any:
    reader = _READERS.get(shape.kind)
    if reader is not None:
        return reader(shape, text)
    if not text.strip() and shape.kind in {Kind.INTEGER, Kind.NUMBER, Kind.JSON}:
        return _ABSENT
    match shape.kind:
        case Kind.INTEGER:
            return int(text) if _WHOLE.fullmatch(text.strip()) else text.strip()
        case Kind.NUMBER:
            return _number(text.strip())
        case Kind.JSON:
            return _json(text)
    is_said = shape.is_required and not shape.is_nullable and shape.kind is not Kind.CHOICE
    return text if text or is_said else _ABSENT


def _read_names(shape: Shape, text: str) -> Any:
    names = [_unquoted(line.strip()) for line in text.split("\n") if line.strip()]
    if shape.is_also_single and len(names) == 1:
        return names[0]
    return names or ([] if shape.is_required else _ABSENT)


def _read_scalar(shape: Shape, text: str) -> Any:
    # Nothing at all is not said; a null is.
    return read_scalar(text) if text.strip() or shape.is_required else _ABSENT


def _read_mapping(shape: Shape, text: str) -> Any:
    return dict(_pairs(text)) or ({} if shape.is_required else _ABSENT)


def _pairs(text: str) -> Iterable[tuple[str, Any]]:
    for line in text.split("\n")[:_MOST_ITEMS]:
        if line.strip():
            key, value = _halves(line.strip())
            yield key, read_scalar(value.strip())


def _halves(line: str) -> tuple[str, str]:
    """Return what stands before and after the first =, or after a key in quotes."""
    if line.startswith('"'):
        try:
            key, end = json.JSONDecoder().raw_decode(line)
        except (ValueError, RecursionError):
            key, end = "", 0
        rest = line[end:].lstrip()
        if end and rest.startswith("="):
            return key, rest[1:]
    key, _, value = line.partition("=")
    return key.strip(), value


def read_scalar(text: str) -> Any:
    """Return a plain value as it is meant: true, 12, 1.5 or null; anything else, and what is in quotes, is text."""
    plain = text.strip()
    if plain in {"", "null"}:
        return None
    if plain in {"true", "false"}:
        return plain == "true"
    if len(plain) > 1 and plain[0] == plain[-1] == '"':
        return _unquoted(plain)
    is_code = len(plain.lstrip("-")) > 1 and plain.lstrip("-")[0] == "0" and "." not in plain
    return text if is_code else _number(text)


def write_scalar(value: Any) -> str:
    """Return a plain value as `read_scalar` takes it."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value)
    return _quoted(value) if read_scalar(value) == value else json.dumps(value, ensure_ascii=False)


def write_name(name: str, *, is_key: bool = False) -> str:
    """Return a name as a line of a list, or as the key of one, that reads as the same name again."""
    is_odd = not name or name.startswith('"') or (is_key and "=" in name)
    return json.dumps(name, ensure_ascii=False) if is_odd else _quoted(name)


def _quoted(text: str) -> str:
    """Return a text in quotes where its line would lose something of it."""
    is_whole = text == text.strip() and not _BREAKS.search(text)
    return text if is_whole else json.dumps(text, ensure_ascii=False)


def _unquoted(plain: str) -> str:
    found = _json(plain) if plain.startswith('"') else plain
    return found if isinstance(found, str) else plain


def _number(text: str) -> Any:
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) and math.isfinite(float(text)) else text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


_READERS: Final = {
    Kind.SCALAR: _read_scalar, Kind.NAMES: _read_names, Kind.MAPPING: _read_mapping,
}  # fmt: skip


def order_of(shape: Shape, value: Any) -> Any:
    """Return JSON with the names of each group in the order of its fields; nothing is added, nothing left out."""
    if shape.kind is Kind.LIST and shape.item is not None:
        item = shape.item
        return [order_of(item, each) for each in value] if isinstance(value, list) else order_of(item, value)
    if not isinstance(value, dict):
        return value
    own = shape.variants.get(str(value.get(shape.discriminator)), shape) if shape.variants else shape
    known = {field.name: field for field in own.fields if field.name in value}
    if shape.discriminator in known:
        known = {shape.discriminator: known[shape.discriminator], **known}
    return {name: order_of(field, value[name]) for name, field in known.items()} | {
        name: each for name, each in value.items() if name not in known
    }


def act_on(shape: Shape, value: Any, act: str) -> Any:
    """Do what a button says: `add:ops`, `remove:ops.2`, `up:ops.2`, `down:ops.2`; anything else changes nothing."""
    found = _ACT.fullmatch(act)
    if found is not None and isinstance(value, dict):
        _act(shape, value, found[1], found[2].split("."))
    return value


def _act(shape: Shape, value: Any, verb: str, path: list[str]) -> None:
    """Walk to the place that a button names and change it there."""
    head, rest = path[0], path[1:]
    if shape.kind is Kind.UNION and isinstance(value, dict):
        chosen = shape.variants.get(str(value.get(shape.discriminator)))
        if chosen is not None:
            _act(chosen, value, verb, path)
        return
    field = next((each for each in shape.fields if each.name == head), None)
    if field is None or not isinstance(value, dict):
        return
    if field.kind is Kind.LIST:
        value[head] = _act_on_list(field, _as_list(value.get(head)), verb, rest)
    elif rest:
        below = value.setdefault(head, {})
        _act(field, below, verb, rest)
    elif verb == "add":
        value[head] = _blank(field)
    elif verb == "remove":
        value.pop(head, None)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _act_on_list(field: Shape, items: list[Any], verb: str, rest: list[str]) -> list[Any]:
    assert field.item is not None
    if not rest:
        return [*items, _blank(field.item)] if verb == "add" else items
    place = int(rest[0]) if rest[0].isdigit() else len(items)
    if place >= len(items):
        return items
    if len(rest) > 1:
        _act(field.item, items[place], verb, rest[1:])
    elif verb == "remove":
        del items[place]
    else:
        other = place + (1 if verb == "down" else -1)
        if 0 <= other < len(items):
            items[place], items[other] = items[other], items[place]
    return items


def _blank(shape: Shape) -> dict[str, Any]:
    """Return what a thing begins with when it is added."""
    if shape.kind is Kind.UNION:
        return {shape.discriminator: next(iter(shape.variants))}
    return {}
