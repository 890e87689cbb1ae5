"""The operations of the API, read from its own description: a new route is tested because it is there."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One method of one route."""

    id: str
    method: str
    path: str
    parameters: tuple[dict[str, Any], ...]
    body: dict[str, Any] | None
    statuses: frozenset[int]

    def __hash__(self) -> int:
        return hash(self.id)

    def named(self, place: str) -> list[str]:
        """Return the names of the parameters in `query`, `path` or `header`."""
        return [parameter["name"] for parameter in self.parameters if parameter["in"] == place]


@cache
def description() -> dict[str, Any]:
    """Return the API's description, as /api/schema serves it."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return schema


@cache
def operations() -> list[Operation]:
    """Return every operation, by id."""
    return sorted(_operations(), key=lambda operation: operation.id)


def _operations() -> Iterator[Operation]:
    for path, entry in description()["paths"].items():
        for method in METHODS:
            if method in entry:
                yield _operation(path, method, entry[method])


def _operation(path: str, method: str, entry: dict[str, Any]) -> Operation:
    content = entry.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return Operation(
        id=entry["operationId"],
        method=method.upper(),
        path=path,
        parameters=tuple(entry.get("parameters", [])),
        body=resolve(schema) if schema else None,
        statuses=frozenset(int(status) for status in entry["responses"]),
    )


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a reference points at."""
    while "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def sample(schema: dict[str, Any]) -> Any:
    """Return a value of the schema, for routes that nobody wrote an example for."""
    schema = resolve(schema)
    for key in ("oneOf", "anyOf", "allOf"):
        if key in schema:
            return sample(schema[key][0])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return {name: sample(inner) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(schema.get("items", {}))]
    return {"integer": schema.get("minimum", 1), "number": 0.5, "boolean": True, "string": _text(schema)}.get(
        str(kind), {}
    )


def _text(schema: dict[str, Any]) -> str:
    texts = {
        "date-time": "2099-01-01T00:00:00Z",
        "uuid": "0192f0c1-7e5a-7cc0-8a55-0123456789ab",
        "email": "a@example.com",
    }
    return texts.get(str(schema.get("format"))) or "x" * max(1, int(schema.get("minLength", 1)))
