"""The controls of a form: a tree that one template draws, made from a shape, the JSON that stands, and its errors."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flows.forms.shapes import Kind, Shape
from flows.forms.typed import PREFIX, write_name, write_scalar
from flows.selectors.showing import MODES

_HELP: Final = {
    Kind.NAMES: "One to a line, in quotes where it is empty or spaces at its ends count.",
    Kind.MAPPING: "One to a line, as old = new. Put quotes around a number that is a text.",
    Kind.SCALAR: "A text, a number, true, false or null. Put quotes around a number that is a text.",
    Kind.JSON: "A JSON object.",
}


@dataclass(slots=True)
class Control:
    """One field as the page draws it; `path` is what buttons call it, `name` and `id` are the control's own."""

    kind: str
    name: str
    id: str
    path: str
    label: str
    help: str = ""
    value: str = ""
    is_on: bool = False
    is_required: bool = False
    is_nullable: bool = False
    is_legend_needed: bool = True
    limits: Mapping[str, Any] = field(default_factory=dict)
    options: list[tuple[str, str, bool]] = field(default_factory=list)
    front: list["Control"] = field(default_factory=list)
    more: list["Control"] = field(default_factory=list)
    items: list["Control"] = field(default_factory=list)
    picker: "Control | None" = None
    errors: list[str] = field(default_factory=list)
    is_more_open: bool = False
    suggestions: str = ""

    def walk(self) -> Sequence["Control"]:
        """Return the control and all below it."""
        below = [*self.front, *self.more, *self.items, *([self.picker] if self.picker else [])]
        return [self, *(each for child in below for each in child.walk())]


@dataclass(frozen=True, slots=True)
class Offers:
    """What a form can offer for some fields: by the field's path (`input`) or by its name at the end of one."""

    choices: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    suggested: Mapping[str, str] = field(default_factory=dict)


def controls_of(shape: Shape, value: Any, errors: Mapping[str, Sequence[str]], offers: Offers) -> Control:
    """Return the tree of a whole form; `errors` by path with dots, such as `ops.0.field`."""
    return _Maker(errors, offers).make(shape, value, [])


class _Maker:
    """Makes controls; knows the errors and what can be offered."""

    def __init__(self, errors: Mapping[str, Sequence[str]], offers: Offers) -> None:
        self.errors, self.offers = errors, offers

    def make(self, shape: Shape, value: Any, path: list[str], label: str = "") -> Control:
        """Return the control of a field with all below it."""
        control = Control(
            kind=shape.kind.value, name=".".join([PREFIX, *path]), id="-".join([PREFIX, *path]), path=".".join(path),
            label=label or shape.label, help=shape.help.replace("`", ""), is_required=shape.is_required,
            is_nullable=shape.is_nullable, limits=shape.limits, errors=list(self.errors.get(".".join(path), ())),
        )  # fmt: skip
        match shape.kind:
            case Kind.GROUP:
                self._fill_group(control, shape, value, path)
            case Kind.UNION:
                self._fill_union(control, shape, value, path)
            case Kind.LIST:
                self._fill_list(control, shape, value, path)
            case _:
                self._fill_plain(control, shape, value, path)
        return control

    def _fill_group(self, control: Control, shape: Shape, value: Any, path: list[str], *, without: str = "") -> None:
        control.is_on = isinstance(value, Mapping) or not shape.is_nullable
        if not control.is_on:
            return
        stands = value if isinstance(value, Mapping) else {}
        for each in shape.fields:
            if each.name == without:
                continue
            child = self.make(each, stands.get(each.name, _shown_default(each)), [*path, each.name])
            if each.kind is Kind.SCALAR and not each.is_required and each.name in stands and not child.value:
                child.value = "null"
            (control.front if each.is_in_front else control.more).append(child)
        if not control.front:
            control.front, control.more = control.more, []
        said = {each.name for each in shape.fields if not each.is_in_front and each.name in stands}
        control.is_more_open = bool(said) or any(each.errors for child in control.more for each in child.walk())

    def _fill_union(self, control: Control, shape: Shape, value: Any, path: list[str]) -> None:
        control.is_on = isinstance(value, Mapping) or not shape.is_nullable
        if not control.is_on:
            return
        chosen = str(value.get(shape.discriminator, "")) if isinstance(value, Mapping) else ""
        variant = shape.variants.get(chosen)
        picked = Shape(
            Kind.CHOICE, name=shape.discriminator, label=shape.label or "Kind", choices=tuple(shape.variants)
        )
        control.picker = self.make(picked, chosen, [*path, shape.discriminator])
        if variant is not None:
            control.picker.help = variant.help.replace("`", "")
            self._fill_group(control, variant, value, path, without=shape.discriminator)

    def _fill_list(self, control: Control, shape: Shape, value: Any, path: list[str]) -> None:
        assert shape.item is not None
        items = value if isinstance(value, list) else [] if value is None else [value]
        one = _one_of(shape.label)
        for place, item in enumerate(items):
            child = self.make(shape.item, item, [*path, str(place)], label=f"{one} {place + 1}")
            child.help = child.help if child.picker else ""
            control.items.append(child)
        control.suggestions = one.lower()

    def _fill_plain(self, control: Control, shape: Shape, value: Any, path: list[str]) -> None:
        offered = self.offers.choices.get(control.path)
        control.suggestions = self.offers.suggested.get(path[-1], "")
        if shape.kind is Kind.YES_NO:
            control.is_on = value is True
        elif offered is not None:
            control.kind = Kind.CHOICE.value
            control.options = _options(
                list(offered), _as_text(value), is_free=not shape.is_required and shape.default is None
            )
        elif shape.kind is Kind.CHOICE:
            named = [(each, _choice_label(each)) for each in shape.choices]
            has_default = isinstance(shape.default, str)
            control.options = _options(named, _as_text(value), is_free=shape.is_nullable, has_default=has_default)
        else:
            control.value = _written(shape.kind, value)
            control.help = " ".join(each for each in (control.help, _HELP.get(shape.kind, "")) if each)


def _options(
    named: Sequence[tuple[str, str]], chosen: str, *, is_free: bool, has_default: bool = False
) -> list[tuple[str, str, bool]]:
    known = {value for value, _ in named}
    options = [(value, label, value == chosen) for value, label in named]
    if chosen and chosen not in known:
        options.insert(0, (chosen, f"{chosen} (is not there)", True))
    if is_free:
        return [("", "–", not chosen), *options]
    return options if chosen or has_default else [("", "choose…", True), *options]


def _choice_label(value: str) -> str:
    return f"{value}: {MODES[value]}" if value in MODES else value.replace("_", " ")


def _shown_default(shape: Shape) -> Any:
    """Return what a field shows that nobody has filled in: a default counts, so it is seen."""
    if shape.kind in {Kind.NAMES, Kind.SCALAR} or shape.is_required:
        return None
    return shape.default


def _one_of(label: str) -> str:
    known = {"Operations": "Operation", "Row rules": "Row rule", "On": "Key", "Order by": "Column"}
    plain = label if label.endswith("ss") else label.removesuffix("s")
    singular = f"{label[:-3]}y" if label.endswith("ies") else plain
    return known.get(label, singular)


def _written(kind: Kind, value: Any) -> str:
    if value is None or kind in {Kind.SECRET, Kind.LONG_SECRET}:
        return ""
    if kind is Kind.NAMES:
        return "\n".join(write_name(_as_text(each)) for each in (value if isinstance(value, list) else [value]))
    if kind is Kind.MAPPING and isinstance(value, Mapping):
        return "\n".join(f"{write_name(key, is_key=True)} = {write_scalar(each)}" for key, each in value.items())
    if kind is Kind.SCALAR:
        return write_scalar(value)
    if kind is Kind.JSON:
        return json.dumps(value, ensure_ascii=False, indent=2) if value else ""
    return _as_text(value)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
