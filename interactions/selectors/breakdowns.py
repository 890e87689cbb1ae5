"""Measures by offer, channel or another dimension, now and in the period before: one statement, streamed.

Each of the two stretches of time is its own range scan of (tenant, occurred_at); its total is computed from the same
rows as its groups, so that a table and its figures always agree.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from interactions.metrics import Aggregate, Source
from interactions.models import Channel, Creative, Offer
from interactions.selectors.measures import Measure, sql_of
from interactions.selectors.narrowing import CATALOGUE_JOIN, EVERYTHING, EXPRESSIONS, OF_TRACES, Dimension, Narrowing
from interactions.selectors.streaming import stream_rows

_GROUPS = """
SELECT g.is_total, g.found, {keys}, {names}, {columns}
FROM (
    SELECT b.is_total, {inner_keys}, {pivoted}, count(*) OVER () AS found,
           row_number() OVER (ORDER BY b.is_total DESC, {pivot_of_order} DESC, {key_order}) AS place
    FROM (
        SELECT w.ordinal, s.*
        FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[])
             WITH ORDINALITY AS w (start_at, end_at, ordinal)
        CROSS JOIN LATERAL (
            SELECT grouping({expressions}) > 0 AS is_total, {expressions_as_keys}, {measures}
            FROM {table} AS r {join}
            WHERE r.tenant_id = %(tenant)s AND r.occurred_at >= w.start_at AND r.occurred_at < w.end_at{conditions}
            GROUP BY GROUPING SETS (({expressions}), ())
        ) AS s
    ) AS b
    GROUP BY b.is_total, {inner_keys}
) AS g
{catalogue}
WHERE g.place <= %(limit)s + 1
ORDER BY g.place
"""
_NAMED = {
    Dimension.OFFER: Offer._meta.db_table,
    Dimension.CHANNEL: Channel._meta.db_table,
    Dimension.CREATIVE: Creative._meta.db_table,
}


@dataclass(frozen=True, slots=True)
class GroupAsk:
    """Ask for `measures` of one table by `by`, over `current` and over `before`, those with the most of `order` first.

    `order` is the place of a measure. Groups that were there only before are among the rest.
    """

    tenant_id: uuid.UUID
    by: tuple[Dimension, ...]
    measures: Sequence[Measure]
    current: tuple[datetime, datetime]
    before: tuple[datetime, datetime]
    order: int
    limit: int
    narrowing: Narrowing = EVERYTHING

    @property
    def source(self) -> Source:
        """Return the table of the measures, which is one."""
        (source,) = {measure.source for measure in self.measures}
        return source


class Group(NamedTuple):
    """One group: its ids (None: the rows say nothing), their names in the catalogue, sums now and before."""

    keys: tuple[str | None, ...]
    names: tuple[str | None, ...]
    now: tuple[Any, ...]
    before: tuple[Any, ...]


class Groups(NamedTuple):
    """The total of all groups, how many there are, and those asked for, to be read once inside the transaction."""

    total: Group
    found: int
    first: Iterator[Group]


def read_groups(ask: GroupAsk) -> Groups:
    """Return the groups; additive measures are 0 where a group has no rows, percentiles None."""
    rows = stream_rows(groups_statement(ask), group_values(ask))
    # Without any row in either stretch there is still the empty total.
    first = next(rows)
    return Groups(_group(ask, first), first[1] - 1, (_group(ask, row) for row in rows))


def groups_statement(ask: GroupAsk) -> str:
    """Return the statement; what it takes is `group_values`."""
    if ask.source is Source.TRACES and not OF_TRACES.issuperset(ask.by):
        raise ValueError("Decision traces know their channel and placement only.")
    expressions = [EXPRESSIONS[each] for each in ask.by]
    keys = [f"k{number}" for number in range(len(ask.by))]
    measured = range(len(ask.measures))
    pivots = [_pivot(ask.measures[number], number, window) for window in (1, 2) for number in measured]
    names = [f"n{number}.name" if each in _NAMED else "NULL" for number, each in enumerate(ask.by)]
    return _GROUPS.format(
        table=ask.source.value,
        join=CATALOGUE_JOIN if Dimension.CATEGORY in ask.by else "",
        conditions=ask.narrowing.conditions(ask.source),
        expressions=", ".join(expressions),
        expressions_as_keys=", ".join(f"{each} AS {key}" for each, key in zip(expressions, keys, strict=True)),
        measures=", ".join(f"{sql_of(measure)} AS m{number}" for number, measure in enumerate(ask.measures)),
        inner_keys=", ".join(f"b.{key}" for key in keys),
        pivoted=", ".join(f"{pivot} AS v{number}" for number, pivot in enumerate(pivots)),
        pivot_of_order=pivots[ask.order],
        # The same order on every server, whatever its collation is.
        key_order=", ".join(f'b.{key} COLLATE "C"' for key in keys),
        keys=", ".join(f"g.{key}" for key in keys),
        names=", ".join(names),
        columns=", ".join(f"g.v{number}" for number in range(len(pivots))),
        catalogue="\n".join(_catalogue(number, each) for number, each in enumerate(ask.by) if each in _NAMED),
    )


def group_values(ask: GroupAsk) -> dict[str, Any]:
    """Return the statement's parameters."""
    (start, end), (start_before, end_before) = ask.current, ask.before
    spans = {"starts": [start, start_before], "ends": [end, end_before]}
    return {"tenant": ask.tenant_id, "limit": ask.limit, **spans, **ask.narrowing.values()}


def _pivot(measure: Measure, number: int, window: int) -> str:
    picked = f"max(b.m{number}) FILTER (WHERE b.ordinal = {window})"
    return f"coalesce({picked}, 0)" if isinstance(measure, Aggregate) else picked


def _catalogue(number: int, dimension: Dimension) -> str:
    table = _NAMED[dimension]
    return f"LEFT JOIN {table} AS n{number} ON n{number}.tenant_id = %(tenant)s AND n{number}.key = g.k{number}"


def _group(ask: GroupAsk, row: tuple[Any, ...]) -> Group:
    width, count = len(ask.by), len(ask.measures)
    values = row[2 + 2 * width :]
    return Group(row[2 : 2 + width], row[2 + width : 2 + 2 * width], values[:count], values[count:])
