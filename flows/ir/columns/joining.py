"""What a join makes of two sets of columns."""

from collections.abc import Mapping

from flows.ir.flowing import JoinNode

SUFFIX = "_right"


def joined_columns(join: JoinNode, left: Mapping[str, str], right: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the columns that a join gives: name → (`left`, `right` or `key`, the column's name on that side).

    A key that has the same name on both sides comes once, as `key`: the left value, or the right one where there is no
    left row. Another right column whose name is taken gets the suffix `_right`. `semi` and `anti` give the
    left columns.
    """
    same = {key.left for key in join.on if key.left == key.right}
    made = {name: ("key" if name in same and name in right else "left", name) for name in left}
    if join.how in {"semi", "anti"}:
        return {name: ("left", name) for name in left}
    for name in right:
        if name not in same or name not in left:
            made[f"{name}{SUFFIX}" if name in left else name] = ("right", name)
    return made


def clashes(join: JoinNode, left: Mapping[str, str], right: Mapping[str, str]) -> list[str]:
    """Return the names that a join would give twice, suffix and all."""
    if join.how in {"semi", "anti"}:
        return []
    same = {key.left for key in join.on if key.left == key.right}
    suffixed = [f"{name}{SUFFIX}" for name in right if name in left and name not in same]
    return [name for name in suffixed if name in left or name in right]
