"""A branch: a row leaves by the first case that is true."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from flows.engines.expressing import read_condition
from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.flowing import BranchNode
from flows.ir.graph import exits_of


def compile_branch(node: BranchNode, inputs: Sequence[Rows], work: Work) -> Rows:
    """Compile the node: its exits choose among its rows; those that leave by none are counted."""
    (rows,) = inputs
    if node.default is not None or work.is_dry:
        return rows
    rows = work.keep(work.settle(rows))
    lost = _first_true(node, rows, work).isnull()
    work.skipped_rows += int(work.figures(rows, n=lost.sum())["n"] or 0)
    return rows


def leave(node: BranchNode, exit_name: str, rows: Rows, work: Work) -> Rows:
    """Return the rows that leave by an exit."""
    way = next(one for one in exits_of(node) if one.name == exit_name)

    def leaves(before: Rows) -> ir.BooleanValue:
        number = _first_true(node, before, work)
        is_case = ibis.literal(value=False) if way.case is None else number == way.case
        return number.isnull() | is_case if way.is_default else is_case

    return work.where(rows, leaves)


def _first_true(node: BranchNode, rows: Rows, work: Work) -> ir.IntegerValue:
    """Return the number of the first case that is true, null when none is."""
    ways = []
    for number, case in enumerate(node.cases):
        work.op_name = case.id
        ways.append((read_condition(case.when, rows, work), ibis.literal(number, "int32")))
    work.op_name = ""
    return ibis.cases(*ways, else_=ibis.null("int32"))
