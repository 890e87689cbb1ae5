"""The draft of a pipeline while somebody edits it: JSON that may be wrong anywhere, and what buttons do to it. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from flows.forms.shapes import shape_of
from flows.forms.typed import order_of
from flows.ir.base import NODE_ID_PATTERN
from flows.selectors.showing import text_of

MOST_BYTES: Final = 2_000_000
_TOP: Final = ("kind", "version", "id", "metadata", "schedule", "trigger", "nodes", "errorHandling")
_ID: Final = re.compile(NODE_ID_PATTERN)
_INPUTS: Final = ("input", "left", "right")
# What a new node of a kind begins with; its form asks for the rest.
_BEGINNINGS: Final[dict[str, dict[str, Any]]] = {
    "source": {"connector": "local_fs", "config": {"pattern": {"type": "glob", "value": "*.csv"}, "format": "csv"}},
    "transform": {"input": "", "ops": [{"op": "cast"}]},
    "validate": {"input": "", "rowLevel": [{"id": "rule1", "onFail": "quarantine"}]},
    "enrich": {"input": ""},
    "branch": {"input": "", "cases": [{"id": "case1"}]},
    "join": {"left": "", "right": "", "on": [{}], "how": "inner"},
    "target": {"input": "", "schema": "public.ds_", "loadMode": "append"},
}
ADDABLE: Final = tuple(_BEGINNINGS)


class DraftUnreadable(Exception):
    """The text is no JSON object with a list of nodes; the message says where."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line = message, line


def read_draft(text: str) -> dict[str, Any]:
    """Return the draft as JSON; raise DraftUnreadable for what is none, too large, or nested without end."""
    if len(text) > MOST_BYTES:
        raise DraftUnreadable(f"A pipeline has at most {MOST_BYTES:,} characters; this has {len(text):,}.")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise DraftUnreadable(f"{error.msg}, column {error.colno}.", line=error.lineno) from None
    except (RecursionError, ValueError):
        raise DraftUnreadable("It is nested too deeply, or has a number that is too long.") from None
    if not isinstance(value, dict):
        raise DraftUnreadable("A pipeline is a JSON object: { … }.", line=1)
    return value


def write_draft(value: Any) -> str:
    """Return the draft as the text area shows it."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def in_order(ir: Mapping[str, Any]) -> dict[str, Any]:
    """Return a saved IR with its names in the order in which people read them: the database keeps none."""
    ordered = {name: ir[name] for name in (*_TOP, *ir) if name in ir}
    nodes = ordered.get("nodes")
    if isinstance(nodes, list):
        ordered["nodes"] = [_ordered_node(node) for node in nodes]
    return ordered


def _ordered_node(node: Any) -> Any:
    kind = text_of(node, "kind")
    return order_of(shape_of(kind), node) if kind in _BEGINNINGS else node


def node_list(draft: Mapping[str, Any]) -> list[Any]:
    """Return the nodes as they stand, whatever they are."""
    nodes = draft.get("nodes")
    return nodes if isinstance(nodes, list) else []


def find_node(draft: Mapping[str, Any], node_id: str) -> dict[str, Any] | None:
    """Return the first node with the id."""
    return next((node for node in node_list(draft) if isinstance(node, dict) and node.get("id") == node_id), None)


def outputs_of(draft: Mapping[str, Any], *, except_for: str = "") -> list[str]:
    """Return everything that a node may read: nodes with rows to give, and each case of a branch."""
    found: list[str] = []
    for node in node_list(draft):
        name = text_of(node, "id")
        if not name or name == except_for or node.get("kind") == "target":
            continue
        if node.get("kind") == "branch":
            listed = node.get("cases")
            cases = [text_of(case, "id") for case in listed] if isinstance(listed, list) else []
            found += [f"{name}.{case}" for case in [*cases, text_of(node, "default")] if case]
        else:
            found.append(name)
    return list(dict.fromkeys(found))


def free_id(draft: Mapping[str, Any], kind: str) -> str:
    """Return an id that no node has, such as `transform2`."""
    taken = {text_of(node, "id") for node in node_list(draft)}
    number = 1
    while f"{kind}{number}" in taken:
        number += 1
    return f"{kind}{number}"


def new_node(draft: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return a node to begin with: it reads what the first target reads, so that it goes in before it."""
    node = {"id": free_id(draft, kind), "kind": kind, **deepcopy(_BEGINNINGS[kind])}
    offered = outputs_of(draft)
    targets = [each for each in node_list(draft) if isinstance(each, dict) and each.get("kind") == "target"]
    before = text_of(targets[0], "input") if targets else ""
    reads = before if before in offered else offered[-1] if offered else ""
    for place, name in enumerate(each for each in _INPUTS if each in node):
        others = [each for each in offered if each != reads]
        node[name] = reads if place == 0 or not others else others[-1]
    return node


def put_node(draft: Mapping[str, Any], node: dict[str, Any], *, before: str = "", is_between: bool = False) -> Any:
    """Return the draft with a node in it: in the place of `before`, or new.

    Who read a node that is called otherwise now reads the new name. `is_between`: who read its input reads it instead.
    """
    changed = deepcopy(dict(draft))
    nodes = node_list(changed)
    place = next((at for at, each in enumerate(nodes) if before and text_of(each, "id") == before), None)
    if place is not None:
        nodes[place] = node
        _rename(changed, before, text_of(node, "id"))
    else:
        if is_between:
            _rewire(nodes, _read_by(node), _gives(node))
        nodes.insert(_place_for(nodes, node), node)
    changed["nodes"] = nodes
    return changed


def _place_for(nodes: Sequence[Any], node: Mapping[str, Any]) -> int:
    """Return where a new node stands in the list: behind what it reads, sources behind sources, targets last."""
    if node.get("kind") == "target":
        return len(nodes)
    reads = {text_of(node, name).partition(".")[0] for name in _INPUTS if text_of(node, name)}
    wanted = [at for at, each in enumerate(nodes) if text_of(each, "id") in reads]
    if node.get("kind") == "source":
        wanted = [at for at, each in enumerate(nodes) if isinstance(each, dict) and each.get("kind") == "source"]
    return max(wanted, default=-1) + 1


def remove_node(draft: Mapping[str, Any], node_id: str) -> Any:
    """Return the draft without a node; who read it reads what it read."""
    changed = deepcopy(dict(draft))
    gone = find_node(changed, node_id)
    if gone is None:
        return changed
    nodes = [node for node in node_list(changed) if node is not gone]
    reads = _read_by(gone)
    for node in nodes:
        for name in _INPUTS:
            if reads and text_of(node, name).partition(".")[0] == node_id:
                node[name] = reads
    changed["nodes"] = nodes
    return changed


def _read_by(node: Mapping[str, Any]) -> str:
    return next((text_of(node, name) for name in _INPUTS if text_of(node, name)), "")


def _gives(node: Mapping[str, Any]) -> str:
    """Return what the rows of a node are called where they are read; of a branch the first case."""
    if node.get("kind") != "branch":
        return text_of(node, "id")
    cases = node.get("cases") or [{}]
    return f"{text_of(node, 'id')}.{text_of(cases[0], 'id')}"


def _rewire(nodes: Sequence[Any], reads: str, instead: str) -> None:
    for node in nodes:
        for name in _INPUTS:
            if reads and text_of(node, name) == reads:
                node[name] = instead


def _rename(draft: dict[str, Any], before: str, after: str) -> None:
    if before == after or not _ID.match(after):
        return
    for node in node_list(draft):
        for name in _INPUTS:
            head, dot, case = text_of(node, name).partition(".")
            if head == before:
                node[name] = f"{after}{dot}{case}"
    trigger = draft.get("trigger")
    if isinstance(trigger, dict) and trigger.get("sourceId") == before:
        trigger["sourceId"] = after


@dataclass(frozen=True, slots=True)
class Rank:
    """How far a node stands from the sources; nodes of one rank stand side by side."""

    nodes: Sequence[tuple[int, Mapping[str, Any]]]


def ranks_of(draft: Mapping[str, Any]) -> list[Rank]:
    """Return the nodes in flow order with their places in the list; what is in a circle or dangles comes last."""
    nodes = [(at, node) for at, node in enumerate(node_list(draft)) if isinstance(node, dict)]
    known = {text_of(node, "id") for _, node in nodes}
    depths: dict[str, int] = {}
    left = list(nodes)
    ranks: list[Rank] = []
    while left:
        ready = [(at, node) for at, node in left if all(each in depths for each in _reads(node, known))]
        if not ready:
            return [*ranks, Rank(left)]
        for _, node in ready:
            depths[text_of(node, "id")] = len(ranks)
        ranks.append(Rank(ready))
        chosen = {at for at, _ in ready}
        left = [(at, node) for at, node in left if at not in chosen]
    return ranks


def _reads(node: Mapping[str, Any], known: set[str]) -> list[str]:
    heads = [text_of(node, name).partition(".")[0] for name in _INPUTS]
    return [each for each in heads if each in known]
