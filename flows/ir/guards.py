"""What a document may cost before anybody looks at what it says: size, depth, number of nodes, characters."""

import json
import math
import re
from collections import Counter
from typing import Any, Final

from flows.ir.pipeline import MAX_NODES
from flows.ir.problems import IrInvalid, IrProblem, Location, path_of

MAX_BYTES: Final = 2_000_000
MAX_DEPTH: Final = 20
MAX_VALUES: Final = 50_000
# Of one object or list.
MAX_ITEMS: Final = 5_000
MAX_EXPRESSIONS: Final = 100_000
MAX_OPS: Final = 2_000
_LARGEST: Final = 2**63
_REFUSED: Final = re.compile("[\x00\ud800-\udfff]")


def read_document(data: object) -> dict[str, Any]:
    """Return a document as an object of JSON within all bounds; raise IrInvalid."""
    document = _read_text(data) if isinstance(data, str | bytes | bytearray) else data
    if not isinstance(document, dict):
        raise _refusal("must be an object")
    _check_counts(document)
    _check_values(document)
    return document


def _refusal(message: str, *location: str | int) -> IrInvalid:
    return IrInvalid([IrProblem(path_of(location), message)], is_unreadable=True)


def _read_text(data: str | bytes | bytearray) -> object:
    if len(data) > MAX_BYTES:
        raise _refusal(f"is longer than {MAX_BYTES:,} bytes")
    try:
        return json.loads(data, object_pairs_hook=_object)
    except RecursionError:
        raise _refusal(f"nests deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise _refusal(f"is no JSON: {str(error)[:200]}") from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the field {twice[:80]!r} stands twice in one object")
    return made


def _check_counts(document: dict[str, Any]) -> None:
    nodes = document.get("nodes")
    if not isinstance(nodes, list):
        return
    if len(nodes) > MAX_NODES:
        raise _refusal(f"has {len(nodes):,} nodes; at most {MAX_NODES} are allowed", "nodes")
    ops = [len(node["ops"]) for node in nodes if isinstance(node, dict) and isinstance(node.get("ops"), list)]
    if sum(ops) > MAX_OPS:
        raise _refusal(f"has {sum(ops):,} operations in all; at most {MAX_OPS:,} are allowed", "nodes")
    if sum(map(_characters_of_expressions, nodes)) > MAX_EXPRESSIONS:
        raise _refusal(f"has expressions of more than {MAX_EXPRESSIONS:,} characters in all", "nodes")


def _characters_of_expressions(node: object) -> int:
    """Return how long a node's expressions are together: reading them is what takes time."""
    if not isinstance(node, dict):
        return 0
    lists = [node[key] for key in ("ops", "cases") if isinstance(node.get(key), list)]
    items = [item for held in lists for item in held if isinstance(item, dict)]
    return sum(len(text) for item in items for text in (item.get("expr"), item.get("when")) if isinstance(text, str))


def _check_values(document: dict[str, Any]) -> None:
    """Walk all values without recursion: their number, depth, text in all, and each for what JSON cannot hold."""
    waiting: list[tuple[Location, object]] = [((), document)]
    values = characters = 0
    while waiting:
        location, value = waiting.pop()
        values += 1
        if isinstance(value, str):
            characters += len(value)
        if values > MAX_VALUES or characters > MAX_BYTES:
            raise _refusal(f"is larger than {MAX_BYTES:,} bytes or {MAX_VALUES:,} values")
        if len(location) > MAX_DEPTH:
            raise _refusal(f"nests deeper than {MAX_DEPTH} levels", *location[:MAX_DEPTH])
        if refusal := _value_refusal(value):
            raise _refusal(refusal, *location)
        waiting.extend(_inner(location, value))


def _inner(location: Location, value: object) -> list[tuple[Location, object]]:
    if isinstance(value, dict):
        return [((*location, key), inner) for key, inner in value.items()]
    return [((*location, number), inner) for number, inner in enumerate(value)] if isinstance(value, list) else []


def _value_refusal(value: object) -> str:
    """Say why a value is none of JSON, none that PostgreSQL keeps, or too large by itself."""
    if isinstance(value, dict | list):
        return _container_refusal(value)
    if isinstance(value, str):
        return "must not contain NUL or lone surrogates" if _REFUSED.search(value) else ""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int):
        return "" if -_LARGEST <= value < _LARGEST else "is beyond 64 bits"
    return "" if isinstance(value, float) and math.isfinite(value) else "is no value of JSON"


def _container_refusal(value: dict[object, object] | list[object]) -> str:
    if len(value) > MAX_ITEMS:
        return f"has {len(value):,} entries; at most {MAX_ITEMS:,} are allowed"
    names = list(value) if isinstance(value, dict) else []
    if not all(isinstance(name, str) for name in names):
        return "has a field whose name is no text"
    if any(_REFUSED.search(str(name)) for name in names):
        return "has a field whose name holds NUL or a lone surrogate"
    return ""
