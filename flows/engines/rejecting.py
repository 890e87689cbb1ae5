"""Rows that nodes set aside: what is known of each, and the feeds that carry them to the quarantines."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import ibis

from flows.engines.backend import Backend
from flows.engines.base import RejectFeed
from flows.engines.rows import ORDER, RULE, VALUE, WHOLE, Rows

if TYPE_CHECKING:
    from flows.engines.work import Work

COLUMNS: Final = ("rule_id", "column_name", "value", "error", "row")


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why rows are set aside: the node and its rule, the column, the error in words, and the node's own table."""

    node_id: str
    rule_id: str
    column: str
    error: str
    table: str | None


class Quarantines:
    """The feeds of rejected rows, in the order in which nodes set them aside. Those without a row are left out."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._feeds: list[RejectFeed] = []

    def __iter__(self) -> Iterator[RejectFeed]:
        return iter(self._feeds)

    def take(self, work: "Work", rows: Rows) -> int:
        """Take the rejected rows off a table that is kept: a feed for each node that set some aside.

        Return how many rows were accepted.
        """
        rule = rows.table[RULE]
        nodes: dict[str, list[int]] = {}
        for number in rows.rejections:
            nodes.setdefault(work.rejections[number].node_id, []).append(number)
        counts = {f"n{place}": rule.isin(numbers).sum() for place, numbers in enumerate(nodes.values())}
        found = work.figures(rows, accepted=rule.isnull().sum(), **counts)
        for place, (node_id, numbers) in enumerate(nodes.items()):
            if found[f"n{place}"]:
                self._add(work, rows, node_id, numbers, int(found[f"n{place}"]))
        return int(found["accepted"] or 0)

    def _add(self, work: "Work", rows: Rows, node_id: str, numbers: list[int], count: int) -> None:
        rejected = rows.over(rows.table.filter(rows.table[RULE].isin(numbers)))
        feed, explain = _described(work, rejected, numbers), work.explainer()
        table = work.rejections[numbers[0]].table
        self._feeds.append(RejectFeed(node_id, table, count, partial(self._backend.stream, feed, explain)))


def _described(work: "Work", rows: Rows, numbers: list[int]) -> Rows:
    """Return rejected rows as a quarantine wants them."""
    rule = rows.table[RULE]
    known = [work.rejections[number] for number in numbers]

    def told(texts: list[str]) -> ibis.expr.types.StringValue:
        return ibis.cases(*((rule == number, text) for number, text in zip(numbers, texts, strict=True)))

    table = rows.table.select(
        **{
            "rule_id": told([one.rule_id for one in known]),
            "column_name": told([one.column for one in known]),
            "value": rows.table[VALUE],
            "error": told([one.error for one in known]),
            "row": rows.table[WHOLE],
            ORDER: rows.table[ORDER],
        }
    )
    return Rows(table, COLUMNS, is_kept=True, is_computed=True)
