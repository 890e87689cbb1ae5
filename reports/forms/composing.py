"""The form of each section of a report: its source, its title, and a field for each param of the source's schema."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.http import QueryDict

from kaireon.platform.forms import plain_lines, plain_text
from reports.decisions.param_fields import ParamField, ParamKind, read_param_fields
from reports.forms.blocks import TypedBlock, typed_blocks
from reports.sources import SourceInfo

PARAM: Final = "param-"
MAX_TITLE: Final = 120
MAX_TEXT: Final = 500
_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_PATH: Final = re.compile(r"(?:dataSources|sections)\[([0-9]{1,3})\]")


class BlockForm(forms.Form):
    """One section. Bound to a post it checks; otherwise it shows what was typed, or a source's defaults."""

    key = forms.ChoiceField(label="Source")
    title = forms.CharField(label="Section title", required=False, max_length=MAX_TITLE, validators=[plain_text])
    id = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput, validators=[plain_text])
    was = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)

    def __init__(
        self, block: TypedBlock, sources: Mapping[str, SourceInfo], data: QueryDict | None = None
    ) -> None:  # fmt: skip
        """Offer every source and the params of the chosen one."""
        self.block, self.source = block, sources.get(block.key)
        schema = self.source.params_schema if self.source else {}
        self.params = read_param_fields(schema, self.source.defaults if self.source else {})
        super().__init__(data, initial=self._initial(), prefix=f"block-{block.token}", auto_id="%s")
        key: Any = self.fields["key"]
        key.choices = [(each.key, each.label) for each in sources.values()]
        if self.source is None and block.key:
            key.choices = [*key.choices, (block.key, f"{block.key} (nothing provides it)")]
        if self.source is not None:
            key.help_text = self.source.description
            self.fields["title"].widget.attrs["placeholder"] = self.source.label
        for param in self.params:
            self.fields[f"{PARAM}{param.name}"] = _field(param)

    def _initial(self) -> dict[str, Any]:
        block = self.block
        initial = {"key": block.key, "title": block.title, "id": block.section_id, "was": block.key}
        for param in self.params:
            was_shown = param.kind is ParamKind.YES_NO and block.was == block.key and bool(block.params)
            value = block.params.get(param.name, False if was_shown else param.default)
            is_list = isinstance(value, list | tuple)
            initial[f"{PARAM}{param.name}"] = "\n".join(map(str, value)) if is_list else value
        return initial

    @property
    def token(self) -> int:
        """Return the block's token."""
        return self.block.token

    @property
    def label(self) -> str:
        """Return what the source is called."""
        return self.source.label if self.source else self.block.key

    @property
    def heading(self) -> str:
        """Return what the block is called: its title, else its source with its days."""
        days = self["param-days"].value() if "param-days" in self.fields else None
        return str(self["title"].value() or (f"{self.label} ({days} days)" if days else self.label))

    def main_fields(self) -> list[forms.BoundField]:
        """Return the fields of the params that always count: those with a default, and those that must be given."""
        return [self[f"{PARAM}{param.name}"] for param in self.params if _is_main(param)]

    def filter_fields(self) -> list[forms.BoundField]:
        """Return the fields of the params that narrow the section when somebody fills them in."""
        return [self[f"{PARAM}{param.name}"] for param in self.params if not _is_main(param)]

    @property
    def is_narrowed(self) -> bool:
        """Tell whether one of them is filled in, or wrong."""
        return any(bound.errors or bound.value() for bound in self.filter_fields())

    def source_call(self) -> dict[str, Any]:
        """Return the source as a template keeps it; what does not fit its field stays as it was typed."""
        self.full_clean()
        data = getattr(self, "cleaned_data", {})
        values = {param.name: self._value(param, data) for param in self.params}
        params = {name: value for name, value in values.items() if value not in (None, "", [])}
        return {"sourceKey": self.block.key, "params": params}

    def _value(self, param: ParamField, data: Mapping[str, Any]) -> Any:
        name = f"{PARAM}{param.name}"
        if name not in data:
            return _as_number(str(self[name].value() or "")[:MAX_TEXT], param.kind)
        if param.kind is ParamKind.LINES:
            return [line.strip() for line in str(data[name]).splitlines() if line.strip()]
        return data[name]


class Composition:
    """The sections of a report as a page shows them, in order."""

    def __init__(
        self, blocks: Sequence[TypedBlock], sources: Sequence[SourceInfo], data: QueryDict | None = None
    ) -> None:  # fmt: skip
        """Make a form for each block."""
        by_key = {each.key: each for each in sources}
        self.forms = [BlockForm(block, by_key, data) for block in blocks]
        self.error = ""

    @classmethod
    def of_post(cls, post: QueryDict, sources: Sequence[SourceInfo]) -> "Composition":
        """Return what was typed, bound: `is_valid` checks it."""
        return cls(typed_blocks(post), sources, post)

    def is_valid(self) -> bool:
        """Check every block and that there is one."""
        self.error = "" if self.forms else "Add a source: a report without one has nothing to show."
        # Each is checked, so that everything that is wrong is said at once.
        refused = [form for form in self.forms if not form.is_valid()]
        return not refused and not self.error

    def wrong(self) -> list[forms.BoundField]:
        """Return the fields with errors."""
        return [bound for form in self.forms for bound in form if bound.errors]

    def values(self) -> dict[str, list[dict[str, Any]]]:
        """Return the sources and sections as a template keeps them; no sections where none has a title of its own."""
        calls = [form.source_call() for form in self.forms]
        typed = [(str(form["title"].value() or "").strip(), str(form["id"].value() or "")) for form in self.forms]
        if not any(title or section_id for title, section_id in typed):
            return {"data_sources": calls, "sections": []}
        taken = {section_id for _, section_id in typed if section_id}
        sections = []
        for place, (form, (title, section_id)) in enumerate(zip(self.forms, typed, strict=True)):
            chosen = section_id or _free_id(place, taken)
            taken.add(chosen)
            sections.append({"id": chosen, "title": title or form.label, "dataSourceIndex": place})
        return {"data_sources": calls, "sections": sections}

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Show what is wrong with `dataSources[0].params.days` beside its field; return what has no field here."""
        return {path: list(texts) for path, texts in errors.items() if not self._place(path, list(texts))}

    def _place(self, path: str, texts: list[str]) -> bool:
        found = _PATH.match(path)
        if found is None or int(found[1]) >= len(self.forms):
            return False
        form, last = self.forms[int(found[1])], path.rpartition(".")[2]
        name = "title" if last == "title" else f"{PARAM}{last}"
        form.add_error(name if name in form.fields else "key", texts)
        return True


def _as_number(text: str, kind: ParamKind) -> str | int | float:
    """Return a number that is out of bounds as one, so that its source says so and not that it is none."""
    if kind is ParamKind.INTEGER and _WHOLE.fullmatch(text):
        return int(text)
    if kind is ParamKind.NUMBER and _DECIMAL.fullmatch(text):
        return float(text)
    return text


def _is_main(param: ParamField) -> bool:
    return param.is_required or param.default is not None


def _free_id(place: int, taken: set[str]) -> str:
    number = place + 1
    while f"s{number}" in taken:
        number += 1
    return f"s{number}"


def _field(param: ParamField) -> forms.Field:
    common: dict[str, Any] = {
        "label": param.label, "help_text": param.help, "required": param.is_required,
    }  # fmt: skip
    match param.kind:
        case ParamKind.INTEGER:
            return forms.IntegerField(min_value=_whole(param.minimum), max_value=_whole(param.maximum), **common)
        case ParamKind.NUMBER:
            widget = forms.NumberInput(attrs={"step": "any"})
            return forms.FloatField(min_value=param.minimum, max_value=param.maximum, widget=widget, **common)
        case ParamKind.YES_NO:
            return forms.BooleanField(**{**common, "required": False})
        case ParamKind.CHOICE:
            empty = [] if param.is_required or param.default is not None else [("", "–")]
            choices = [*empty, *((each, each.replace("_", " ").capitalize()) for each in param.choices)]
            return forms.ChoiceField(choices=choices, **common)
        case ParamKind.LINES:
            area = forms.Textarea(attrs={"rows": 3})
            return forms.CharField(widget=area, max_length=20_000, validators=[plain_lines], **common)
        case _:
            return forms.CharField(max_length=param.max_length or MAX_TEXT, validators=[plain_text], **common)


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)
