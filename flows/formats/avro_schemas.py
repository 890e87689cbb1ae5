"""What schema of an Avro file is accepted: flat enough to read, and no value without bytes that could come for ever."""

import json
from collections.abc import Mapping
from typing import Any, Final

DEEPEST: Final = 16
LARGEST: Final = 1024 * 1024
_COMPLEX: Final = {"record", "error", "enum", "fixed", "array", "map"}


class SchemaRefused(ValueError):
    """The message says why."""


def checked_schema(text: bytes, most_columns: int) -> dict[str, Any]:
    """Return a record's schema. Raise SchemaRefused for one that is too large, too deep, recursive, or no record."""
    if len(text) > LARGEST:
        raise SchemaRefused(f"its schema is larger than {LARGEST:,} bytes")
    if text.count(b"{") + text.count(b"[") > 8 * most_columns:
        raise SchemaRefused("its schema has too many parts")
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError):
        raise SchemaRefused("its schema is no JSON that can be read") from None
    if not isinstance(schema, dict) or schema.get("type") != "record" or not isinstance(schema.get("fields"), list):
        raise SchemaRefused("its schema is no record")
    if len(schema["fields"]) > most_columns:
        raise SchemaRefused(f"its schema has more than {most_columns:,} columns")
    _Walk().check(schema, 0)
    return schema


class _Walk:
    """Goes through a schema once; remembers how many bytes a value of each name takes at least, 0 or 1."""

    def __init__(self) -> None:
        self._named: dict[str, bool] = {}
        self._open: set[str] = set()

    def check(self, schema: Any, depth: int) -> bool:
        """Return whether a value takes any bytes. Raises SchemaRefused."""
        if depth > DEEPEST:
            raise SchemaRefused(f"its schema nests more than {DEEPEST} deep")
        if isinstance(schema, list):
            return [self.check(branch, depth + 1) for branch in schema] != []
        if isinstance(schema, str):
            return self._by_name(schema)
        if not isinstance(schema, Mapping):
            raise SchemaRefused("its schema holds what is no type")
        kind = schema.get("type")
        if kind not in _COMPLEX:
            return self.check(kind, depth + 1)
        return self._complex(str(kind), schema, depth)

    def _by_name(self, name: str) -> bool:
        short = name.rpartition(".")[2]
        if short in self._open:
            raise SchemaRefused("its schema is recursive")
        return self._named.get(short, name != "null")

    def _complex(self, kind: str, schema: Mapping[str, Any], depth: int) -> bool:
        if kind == "array":
            if not self.check(schema.get("items"), depth + 1):
                raise SchemaRefused("its schema has an array of values without bytes")
            return True
        if kind == "map":
            self.check(schema.get("values"), depth + 1)
            return True
        name = str(schema.get("name", "")).rpartition(".")[2]
        if kind == "enum":
            self._named[name] = True
        elif kind == "fixed":
            self._named[name] = schema.get("size") != 0
        else:
            self._named[name] = self._record(name, schema, depth)
        return self._named[name]

    def _record(self, name: str, schema: Mapping[str, Any], depth: int) -> bool:
        fields = schema.get("fields")
        if not isinstance(fields, list) or not all(isinstance(field, Mapping) for field in fields):
            raise SchemaRefused("its schema has a record without fields")
        self._open.add(name)
        takes = [self.check(field.get("type"), depth + 1) for field in fields]
        self._open.discard(name)
        return any(takes)
