"""How the nodes hang together, told from the document as it stands: also when some nodes cannot be read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from flows.ir.base import INPUT_PATTERN
from flows.ir.graph import Upstream, consumers_of, cycle_among, read_upstream, sort_nodes
from flows.ir.problems import Location

Wrong = Iterator[tuple[Location, str]]
_REFERENCES: Final = ("input", "left", "right")
# Modes that replace a table, or watch all of it: no second target may write it in the same run.
_SHARING: Final = frozenset({"append", "upsert"})


@dataclass(frozen=True, slots=True)
class Outline:
    """What the graph needs of a node, and its place among the nodes; `exits` of a branch, else None."""

    place: int
    id: str
    kind: str
    reads: Mapping[str, Upstream]
    exits: tuple[str, ...] | None
    table: str
    mode: str


def problems_of_wiring(document: Mapping[str, Any]) -> Wrong:
    """Yield what is wrong between nodes: ids, inputs, circles, rows that nobody reads, tables written twice."""
    nodes = document.get("nodes")
    outlines = list(_outlines(nodes if isinstance(nodes, list) else ()))
    by_id: dict[str, Outline] = {}
    for outline in outlines:
        if by_id.setdefault(outline.id, outline) is not outline:
            yield ("nodes", outline.place, "id"), f"{outline.id} is the id of nodes[{by_id[outline.id].place}] already"
    yield from _ends(outlines)
    for outline in outlines:
        for key, upstream in outline.reads.items():
            if message := _reference_refusal(outline, upstream, by_id):
                yield ("nodes", outline.place, key), message
    yield from _circles(by_id)
    yield from _unread(by_id)
    yield from _tables(outlines)
    yield from _trigger(document.get("trigger"), by_id)


def _outlines(nodes: Sequence[Any]) -> Iterator[Outline]:
    for place, node in enumerate(nodes):
        if isinstance(node, dict) and isinstance(node.get("id"), str):
            kind, table = str(node.get("kind")), str(node.get("schema"))
            reads = {key: read_upstream(node[key]) for key in _REFERENCES if _is_reference(node.get(key))}
            exits = _exits(node) if kind == "branch" else None
            yield Outline(
                place, node["id"], kind, reads, exits, table.removeprefix("public."), str(node.get("loadMode"))
            )


def _is_reference(value: object) -> bool:
    """Tell whether it reads as a reference; what does not is told by the shape."""
    return isinstance(value, str) and re.fullmatch(INPUT_PATTERN, value) is not None


def _exits(node: Mapping[str, Any]) -> tuple[str, ...]:
    cases = node.get("cases")
    names = [case.get("id") for case in cases if isinstance(case, dict)] if isinstance(cases, list) else []
    return tuple(dict.fromkeys(name for name in [*names, node.get("default")] if isinstance(name, str)))


def _ends(outlines: Sequence[Outline]) -> Wrong:
    for kind, what in (("source", "reads"), ("target", "writes")):
        if outlines and not any(outline.kind == kind for outline in outlines):
            yield ("nodes",), f"needs a {kind}: no node {what} anything"


def _reference_refusal(reader: Outline, upstream: Upstream, by_id: Mapping[str, Outline]) -> str:
    found = by_id.get(upstream.node_id)
    if found is None:
        close = get_close_matches(upstream.node_id, list(by_id), n=1)
        return f"there is no node {upstream.node_id}{f'; did you mean {close[0]}?' if close else ''}"
    if found.kind == "target" and reader.kind != "archive":
        return f"{found.id} is a target and gives no rows"
    if found.exits is None:
        return f"{found.id} is no branch and has no exits; write {found.id}" if upstream.exit else ""
    ways = ", ".join(f"{found.id}.{name}" for name in found.exits) or "none yet"
    if upstream.exit is None:
        return f"{found.id} is a branch: name one of its exits, {ways}"
    return "" if upstream.exit in found.exits else f"{found.id} has no exit {upstream.exit}; there are {ways}"


def _links(by_id: Mapping[str, Outline]) -> dict[str, list[str]]:
    return {name: [upstream.node_id for upstream in outline.reads.values()] for name, outline in by_id.items()}


def _circles(by_id: Mapping[str, Outline]) -> Wrong:
    """Yield every circle once, at the first of its nodes in the document, and leave those behind it alone."""
    links = _links(by_id)
    _, left = sort_nodes(links)
    while left:
        members = set(left)
        inward = {name: [other for other in links[name] if other in members] for name in left}
        circle = cycle_among(left, inward)
        start = min(circle, key=lambda name: by_id[name].place)
        outline = by_id[start]
        key = next(key for key, upstream in outline.reads.items() if upstream.node_id in circle)
        turned = circle[circle.index(start) :] + circle[: circle.index(start)]
        yield ("nodes", outline.place, key), f"goes round in a circle: {' ← '.join([*turned[:10], start])}"
        cut = set(circle)
        links = {name: [] if name in cut else others for name, others in links.items()}
        _, left = sort_nodes(links)


def _unread(by_id: Mapping[str, Outline]) -> Wrong:
    """Yield nodes and exits whose rows go nowhere; an archive of older revisions may end a line."""
    readers = consumers_of(_links(by_id))
    read = {(upstream.node_id, upstream.exit) for outline in by_id.values() for upstream in outline.reads.values()}
    for outline in by_id.values():
        if outline.kind not in {"target", "archive"} and not readers[outline.id]:
            yield ("nodes", outline.place, "id"), f"no node reads {outline.id}: its rows would go nowhere"
        elif outline.exits is not None:
            for name in outline.exits:
                if (outline.id, name) not in read:
                    yield ("nodes", outline.place, "cases"), f"no node reads {outline.id}.{name}"


def _tables(outlines: Sequence[Outline]) -> Wrong:
    first: dict[str, Outline] = {}
    for outline in outlines:
        if outline.kind != "target":
            continue
        other = first.setdefault(outline.table, outline)
        if other is not outline and not {other.mode, outline.mode} <= _SHARING:
            message = f"{outline.table} is written by {other.id} too; only append and upsert share a table"
            yield ("nodes", outline.place, "schema"), message


def _trigger(trigger: object, by_id: Mapping[str, Outline]) -> Wrong:
    if isinstance(trigger, dict) and isinstance(trigger.get("sourceId"), str):
        found = by_id.get(trigger["sourceId"])
        if found is None or found.kind != "source":
            sources = ", ".join(name for name, outline in by_id.items() if outline.kind == "source") or "none"
            yield (
                ("trigger", "sourceId"),
                f"{trigger['sourceId'][:63]} is no source of this pipeline; there are {sources}",
            )
