"""What a form can ask for, read from the JSON Schema of the IR: texts, choices, groups, lists, one of several kinds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from flows.ir.json_schema import ir_json_schema

SETTINGS: Final = "settings"
TIMING: Final = "timing"
# Optional fields that belong in front all the same: without them a node of some kind says too little.
_IN_FRONT: Final = frozenset(
    {
        "upsertKey", "watermarkColumn", "rowLevel", "quarantine", "datasetLevel", "onError", "onFail", "default",
        "keep", "how", "min", "max", "metadata", "errorHandling", "dlq", "retry", "maxAttempts", "enabled",
        "dataType", "isPrimaryKey", "isNullable",
    }
)  # fmt: skip
_LONG: Final = frozenset({"expr", "statement", "when", "description"})
_LONG_SECRETS: Final = frozenset({"serviceAccountJson", "privateKey"})
# Names of the IR that say little to people.
_LABELS: Final = {
    "ops": "Operations",
    "rowLevel": "Row rules",
    "datasetLevel": "Rules for all rows",
    "expr": "Expression",
    # When it runs
    "expression": "Cron expression",
    "minutes": "Every so many minutes",
    "rule": "Rule",
    "anchor": "On a grid from",
    "dtstart": "Begins at",
    "timezone": "Time zone",
    "catchUp": "When times were missed",
    "overlap": "While it still runs",
    "jitterSeconds": "Spread the start by up to so many seconds",
    "sourceId": "Source",
    "controlFilePattern": "Control file",
    "debounceSeconds": "Seconds between two runs",
    "stableSeconds": "Seconds without a change",
    "windowMinutes": "Within so many minutes",
    "onMiss": "If no file comes",
    "allowOverlap": "Others may wait for the same files",
}
_TIMING: Final = ("schedule", "trigger")
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Kind(StrEnum):
    """How a field is asked for."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    SECRET = "secret"  # noqa: S105 - a kind of field
    LONG_SECRET = "long_secret"  # noqa: S105 - a kind of field
    CHOICE = "choice"
    INTEGER = "integer"
    NUMBER = "number"
    YES_NO = "yes_no"
    FIXED = "fixed"
    SCALAR = "scalar"
    NAMES = "names"
    MAPPING = "mapping"
    JSON = "json"
    GROUP = "group"
    LIST = "list"
    UNION = "union"


_OF_TYPES: Final = {
    "string": Kind.TEXT, "integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.YES_NO,
}  # fmt: skip
_SCALARS: Final = frozenset(_OF_TYPES)


@dataclass(frozen=True, slots=True)
class Shape:
    """One field: `is_nullable` may be left out as a whole, `is_also_single` is a list that may be one thing alone."""

    kind: Kind
    name: str = ""
    label: str = ""
    help: str = ""
    is_required: bool = False
    default: Any = None
    is_nullable: bool = False
    is_also_single: bool = False
    choices: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple["Shape", ...] = ()
    item: "Shape | None" = None
    discriminator: str = ""
    variants: Mapping[str, "Shape"] = field(default_factory=dict)
    is_front: bool = False

    @property
    def is_in_front(self) -> bool:
        """Tell whether the field is shown at once; the others stand under “More”."""
        return self.is_front or self.is_required or self.name in _IN_FRONT


def shape_of(kind: str) -> Shape:
    """Return the shape of a node of a kind, or of the pipeline's own settings; raise KeyError for another kind."""
    return _shapes()[kind]


@cache
def _shapes() -> dict[str, Shape]:
    schema = ir_json_schema()
    reader = _Reader(schema.get("$defs", {}))
    nodes = reader.read(schema["properties"]["nodes"]["items"], "nodes")
    own = {name: schema["properties"][name] for name in ("metadata", "errorHandling")}
    settings = reader.read({"type": "object", "properties": own, "required": list(own)}, SETTINGS)
    parts = {name: schema["properties"][name] for name in _TIMING}
    timing = reader.read({"type": "object", "properties": parts}, TIMING)
    return {**nodes.variants, SETTINGS: settings, TIMING: timing}


@cache
def shape_of_model(model: type[BaseModel], name: str, *, is_secret: bool = False) -> Shape:
    """Return the shape of any model; `is_secret` makes each of its texts one that no page ever shows."""
    schema = model.model_json_schema(by_alias=True)
    reader = _Reader(schema.get("$defs", {}), is_secret=is_secret)
    plain = {key: value for key, value in schema.items() if key != "title"}
    return reader.read(plain, name, is_required=True)


def label_of(name: str, title: str = "") -> str:
    """Return what a field is called: its title, or its name in words where the title is only that."""
    if title and title.replace(" ", "").lower() != name.lower():
        return title
    if name in _LABELS:
        return _LABELS[name]
    words = _WORDS.sub(" ", name).replace("_", " ").lower()
    return re.sub(r"\b(url|id|sas)\b", lambda found: found[0].upper(), words[:1].upper() + words[1:])


class _Reader:
    """Reads schemas; references are looked up, never followed into themselves."""

    def __init__(self, definitions: Mapping[str, Any], *, is_secret: bool = False) -> None:
        self.definitions, self.is_secret = definitions, is_secret

    def read(self, schema: Mapping[str, Any], name: str, *, is_required: bool = False) -> Shape:
        """Return the shape of a schema."""
        full = self._full(schema)
        options = full.get("anyOf")
        common = {
            "name": name, "label": label_of(name, full.get("title", "")), "help": full.get("description", ""),
            "is_required": is_required, "default": full.get("default"),
        }  # fmt: skip
        found = self._choose(options, name) if options else self._plain(full, name)
        # What is said about the field itself says more than what is said about its kind.
        return Shape(**{**common, **found, "help": common["help"] or found.get("help", "")})

    def _full(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        reference = schema.get("$ref")
        if not reference:
            return dict(schema)
        found = self.definitions[reference.rpartition("/")[2]]
        # A definition's title is the model's name, which says nothing to people.
        return {**{key: value for key, value in found.items() if key != "title"}, **schema}

    def _plain(self, full: Mapping[str, Any], name: str) -> dict[str, Any]:
        if "const" in full:
            return {"kind": Kind.FIXED, "default": full["const"]}
        if "enum" in full:
            return {"kind": Kind.CHOICE, "choices": tuple(map(str, full["enum"]))}
        if "oneOf" in full:
            return self._union(full, name)
        return self._of_type(full, name)

    def _of_type(self, full: Mapping[str, Any], name: str) -> dict[str, Any]:
        match full.get("type"):
            case "object":
                return self._object(full)
            case "array":
                return self._array(full, name)
            case "string":
                return {"kind": self._kind_of_text(name), "limits": _limits(full)}
        return {"kind": _OF_TYPES.get(str(full.get("type")), Kind.JSON), "limits": _limits(full)}

    def _kind_of_text(self, name: str) -> Kind:
        if self.is_secret:
            return Kind.LONG_SECRET if name in _LONG_SECRETS else Kind.SECRET
        return Kind.LONG_TEXT if name in _LONG else Kind.TEXT

    def _object(self, full: Mapping[str, Any]) -> dict[str, Any]:
        properties = full.get("properties", {})
        if not properties and full.get("additionalProperties") is not False:
            is_free = full.get("additionalProperties") is True
            return {"kind": Kind.JSON if is_free else Kind.MAPPING}
        needed = full.get("required", ())
        return {
            "kind": Kind.GROUP,
            "fields": tuple(self.read(each, name, is_required=name in needed) for name, each in properties.items()),
        }

    def _array(self, full: Mapping[str, Any], name: str) -> dict[str, Any]:
        item = self.read(full["items"], name)
        if item.kind in {Kind.TEXT, Kind.LONG_TEXT}:
            return {"kind": Kind.NAMES}
        return {"kind": Kind.LIST, "item": item}

    def _union(self, full: Mapping[str, Any], name: str) -> dict[str, Any]:
        names = {reference: key for key, reference in full["discriminator"]["mapping"].items()}
        # In the order of the IR, which begins with what is used most; the mapping is sorted by name.
        references = [each["$ref"] for each in full["oneOf"]]
        return {
            "kind": Kind.UNION,
            "discriminator": full["discriminator"]["propertyName"],
            "variants": {names[each]: self.read({"$ref": each}, name) for each in references},
        }

    def _choose(self, options: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
        """Return what several ways to say a thing come to: a value or nothing, one or many, any plain value."""
        # One thing or a list of them stands as a choice of its own within “or nothing”.
        flat = [
            each
            for one in options
            for each in (one["oneOf"] if "discriminator" not in one and "oneOf" in one else [one])
        ]
        real = [each for each in flat if each.get("type") != "null"]
        is_nullable = len(real) < len(flat)
        types = {each.get("type") for each in real}
        enums = [each for each in real if "enum" in each]
        if len(real) > 1 and len(enums) == len(real):
            choices = tuple(str(value) for each in enums for value in each["enum"])
            return {"kind": Kind.CHOICE, "choices": choices, "is_nullable": is_nullable}
        if len(real) > 1 and types <= _SCALARS:
            if types == {"integer", "number"}:
                return {"kind": Kind.NUMBER, "is_nullable": is_nullable}
            return {"kind": Kind.SCALAR, "is_nullable": is_nullable}
        many = next((each for each in real if each.get("type") == "array"), None)
        chosen = many if many is not None and len(real) > 1 else real[0]
        found = self._plain(self._full(chosen), name)
        words = {"help": text} if (text := self._full(chosen).get("description")) and many is None else {}
        return {**words, **found, "is_nullable": is_nullable, "is_also_single": many is not None and len(real) > 1}


def _ways(option: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return what a choice offers: one thing or a list of them stands as a choice of its own within “or nothing”."""
    found: Sequence[Mapping[str, Any]] = option.get("oneOf", [option])
    return [option] if "discriminator" in option else found


def _limits(full: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "minimum": "min", "maximum": "max", "exclusiveMinimum": "min", "maxLength": "maxlength",
    }  # fmt: skip
    return {names[key]: full[key] for key in names if key in full}
