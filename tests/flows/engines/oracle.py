"""The operations in plain Python, row by row: what engines must give, written without any of their words."""

import hashlib
import operator
import re
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
WHOLE = re.compile(r"\s*[+-]?[0-9]+(\.0*)?\s*", re.ASCII)


def apply(op: dict[str, Any], rows: list[Row]) -> list[Row]:
    """Return the rows after an operation."""
    return OPS[op["op"]](op, rows)


def _each(change: Callable[[dict[str, Any], Row], Row]) -> Callable[[dict[str, Any], list[Row]], list[Row]]:
    return lambda op, rows: [change(op, row) for row in rows]


def _cast(op: dict[str, Any], row: Row) -> Row:
    text = row[op["field"]]
    is_whole = text is not None and WHOLE.fullmatch(text) is not None
    number = int(text.strip().partition(".")[0]) if is_whole else None
    return row | {op["field"]: number if number is not None and -(2**31) <= number < 2**31 else None}


def _expression(op: dict[str, Any], row: Row) -> Row:
    value = row[op["field"]]
    if op["expr"].startswith("upper"):
        return row | {op["field"]: None if value is None else value.upper()}
    return row | {op["field"]: None if value is None else value * 2 - 1}


def _hash(op: dict[str, Any], row: Row) -> Row:
    value = row[op["field"]]
    made = None if value is None else hashlib.new(op["algorithm"], f"{op['salt']}{value}".encode()).hexdigest()
    return row | {op["field"]: made}


def _mask(op: dict[str, Any], row: Row) -> Row:
    value = row[op["field"]]
    if value is None:
        return row
    text = str(value)
    ways = {
        "full": "***",
        "last4": "*" * (len(text) - 4) + text[-4:] if len(text) > 4 else "*" * len(text),
        "email": "***@" + text.rpartition("@")[2] if "@" in text else "***",
        "initial": text[:1] + "***",
        "null": None,
    }
    return row | {op["field"]: ways[op["strategy"]]}


def _map(op: dict[str, Any], row: Row) -> Row:
    value = row[op["field"]]
    return row | {op["field"]: op["mapping"].get(value, op.get("default", value))}


def _split(op: dict[str, Any], row: Row) -> Row:
    value = row[op["field"]]
    parts: list[str | None] = [] if value is None else [*value.split(op["separator"], len(op["into"]) - 1)]
    return row | dict(zip(op["into"], [*parts, *[None] * len(op["into"])], strict=False))


def _merge(op: dict[str, Any], row: Row) -> Row:
    texts = [str(row[name]) for name in op["fields"] if row[name] is not None]
    return row | {op["into"]: op["separator"].join(texts) if texts else None}


def _filter(op: dict[str, Any], rows: list[Row]) -> list[Row]:
    name, sign, number = op["expr"].split(" ")
    compare = operator.gt if sign == ">" else operator.le
    return [row for row in rows if row[name] is not None and compare(row[name], int(number))]


def _deduplicate(op: dict[str, Any], rows: list[Row]) -> list[Row]:
    is_first = op["keep"] == "first"
    best: dict[tuple[Any, ...], int] = {}
    for place, row in enumerate(rows):
        key = tuple(row[name] for name in op["keys"])
        if key not in best or _wins(op, row, rows[best[key]], is_first=is_first):
            best[key] = place
    return [rows[place] for place in sorted(best.values())]


def _wins(op: dict[str, Any], later: Row, earlier: Row, *, is_first: bool) -> bool:
    """Tell whether the later of two rows of a key stays."""
    for key in op.get("orderBy", []):
        one, other = later[key["field"]], earlier[key["field"]]
        if one == other:
            continue
        if one is None or other is None:
            return other is None
        wants_least = (key["direction"] == "asc") == is_first
        return bool(one < other) if wants_least else bool(one > other)
    return not is_first


def _aggregate(op: dict[str, Any], rows: list[Row]) -> list[Row]:
    groups: dict[Any, list[Row]] = {}
    (key,) = op["groupBy"]
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    made = []
    for value in sorted(groups, key=lambda one: (one is None, (one or "").encode())):
        numbers = [row["n"] for row in groups[value] if row["n"] is not None]
        made.append({
            key: value, "rows": len(groups[value]), "sum": sum(numbers) if numbers else None,
            "least": min(numbers, default=None), "different": len(set(numbers)),
            "mean": sum(numbers) / len(numbers) if numbers else None,
        })  # fmt: skip
    return made


OPS: dict[str, Callable[[dict[str, Any], list[Row]], list[Row]]] = {
    "cast": _each(_cast), "expression": _each(_expression), "hash": _each(_hash), "mask_pii": _each(_mask),
    "map_values": _each(_map), "split": _each(_split), "merge": _each(_merge), "filter": _filter,
    "deduplicate": _deduplicate, "aggregate": _aggregate,
    "add_field": _each(lambda op, row: row | {op["field"]: op["value"]}),
    "rename": _each(lambda op, row: {op["to"] if name == op["from"] else name: value for name, value in row.items()}),
    "drop": _each(lambda op, row: {name: value for name, value in row.items() if name not in op["fields"]}),
}  # fmt: skip
