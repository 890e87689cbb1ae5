"""The controls of a source's params, read from their JSON Schema as pydantic writes it: a name, a kind, its bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_REFERENCE: Final = "#/$defs/"


class ParamKind(StrEnum):
    """What somebody fills in."""

    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    LINES = "lines"
    CHOICE = "choice"
    YES_NO = "yes_no"


@dataclass(frozen=True, slots=True)
class ParamField:
    """One param: `name` is the wire's; `default` is None where the source needs a value or does without one."""

    name: str
    label: str
    kind: ParamKind
    help: str = ""
    is_required: bool = False
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()


def read_param_fields(schema: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> list[ParamField]:
    """Return the fields of an object's schema in its order; `defaults` go before the schema's own."""
    required = set(schema.get("required", ()))
    kept = defaults or {}
    return [
        _field(name, _resolved(entry, schema), name in required, kept.get(name, entry.get("default")))
        for name, entry in schema.get("properties", {}).items()
    ]


def _resolved(entry: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry with what it refers to, and without the `null` that makes it optional."""
    for option in (*entry.get("anyOf", ()), *entry.get("allOf", ())):
        if option.get("type") != "null":
            entry = {**_resolved(option, schema), **entry}
            break
    reference = str(entry.get("$ref", ""))
    if reference.startswith(_REFERENCE):
        entry = {**schema.get("$defs", {}).get(reference.removeprefix(_REFERENCE), {}), **entry}
    return dict(entry)


def _field(name: str, entry: Mapping[str, Any], is_required: bool, default: Any) -> ParamField:
    return ParamField(
        name=name,
        label=_label(entry, name),
        kind=_kind(entry),
        help=str(entry.get("description", "")),
        is_required=is_required,
        default=default,
        minimum=_bound(entry, "minimum", "exclusiveMinimum", 1),
        maximum=_bound(entry, "maximum", "exclusiveMaximum", -1),
        max_length=entry.get("maxLength"),
        choices=tuple(str(each) for each in entry.get("enum", ())),
    )


def _kind(entry: Mapping[str, Any]) -> ParamKind:
    if entry.get("enum"):
        return ParamKind.CHOICE
    kinds = {"integer": ParamKind.INTEGER, "number": ParamKind.NUMBER, "boolean": ParamKind.YES_NO}
    kinds["array"] = ParamKind.LINES
    return kinds.get(str(entry.get("type")), ParamKind.TEXT)


def _label(entry: Mapping[str, Any], name: str) -> str:
    """Return the title that somebody gave it, else the name in words: `baselineDays` is "Baseline days"."""
    spelled = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name.replace("_", " "))
    title = str(entry.get("title") or "")
    # Pydantic titles a field by itself: "Baselinedays" of an alias, "Baseline Days" of a name.
    is_made_up = title.replace(" ", "").lower() == name.replace("_", "").lower()
    return title if title and not is_made_up else spelled.strip().capitalize()


def _bound(entry: Mapping[str, Any], inclusive: str, exclusive: str, step: int) -> float | None:
    if inclusive in entry:
        return float(entry[inclusive])
    if exclusive in entry:
        return float(entry[exclusive]) + (step if entry.get("type") == "integer" else 0)
    return None
