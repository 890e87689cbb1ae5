"""Which offers decisions selected, with what scores, and why one of them was not: from the traces' own words.

A trace counts what was left after each step and names what was selected. It does not name what was removed, so nothing
here claims to know where in a decision an offer was lost: only what came of the decisions in which it was not chosen.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from interactions.metrics import Source
from interactions.models import Offer
from interactions.selectors.narrowing import Narrowing
from interactions.selectors.streaming import stream_rows

_WINDOWS = """unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[])
    WITH ORDINALITY AS w (start_at, end_at, ordinal)"""
_TRACES = f"""{Source.TRACES.value} AS r
    WHERE r.tenant_id = %(tenant)s AND r.occurred_at >= w.start_at AND r.occurred_at < w.end_at"""
# What history holds was checked when it was recorded, or imported by hand: nothing here may fail for a bad cell.
_SELECTED = "jsonb_array_elements(CASE WHEN jsonb_typeof(r.selected) = 'array' THEN r.selected ELSE '[]' END)"
_RANK = "CASE WHEN jsonb_typeof(x -> 'rank') = 'number' THEN (x ->> 'rank')::numeric END"
_SCORE = "CASE WHEN jsonb_typeof(x -> 'score') = 'number' THEN (x ->> 'score')::float8 END"

# An offer that a decision names twice, in two creatives, was selected by it once.
_BY_OFFER = """
SELECT g.found, g.offer_id, o.name, g.v0, g.v1, g.v2, g.v3, g.v4
FROM (
    SELECT b.offer_id, count(*) OVER () AS found,
           coalesce(max(b.decisions) FILTER (WHERE b.ordinal = 1), 0) AS v0,
           coalesce(max(b.firsts) FILTER (WHERE b.ordinal = 1), 0) AS v1,
           max(b.mean_rank) FILTER (WHERE b.ordinal = 1) AS v2,
           max(b.mean_score) FILTER (WHERE b.ordinal = 1) AS v3,
           coalesce(max(b.decisions) FILTER (WHERE b.ordinal = 2), 0) AS v4,
           row_number() OVER (
               ORDER BY coalesce(max(b.decisions) FILTER (WHERE b.ordinal = 1), 0) DESC, b.offer_id COLLATE "C"
           ) AS place
    FROM (
        SELECT w.ordinal, s.*
        FROM {windows} CROSS JOIN LATERAL (
            SELECT e.offer_id, count(*) AS decisions, count(*) FILTER (WHERE e.rank = 1) AS firsts,
                   avg(e.rank)::float8 AS mean_rank, avg(e.score) AS mean_score
            FROM (SELECT r.selected FROM {traces}{conditions} AND r.selected_count > 0) AS r
            CROSS JOIN LATERAL (
                SELECT x ->> 'offerId' AS offer_id, min({rank}) AS rank, max({score}) AS score
                FROM {selected} AS x GROUP BY 1
            ) AS e
            GROUP BY 1
        ) AS s
    ) AS b
    GROUP BY b.offer_id
) AS g
LEFT JOIN {offers} AS o ON o.tenant_id = %(tenant)s AND o.key = g.offer_id
WHERE g.place <= %(limit)s
ORDER BY g.place
"""

_SCORES = """
SELECT w.ordinal, s.bucket, s.selections
FROM {windows} CROSS JOIN LATERAL (
    SELECT CASE WHEN y.score < 0 THEN -1 WHEN y.score > 1 THEN %(buckets)s
                ELSE least(floor(y.score * %(buckets)s)::int, %(buckets)s - 1) END AS bucket, count(*) AS selections
    FROM (SELECT r.selected FROM {traces}{conditions} AND r.selected_count > 0) AS r
    CROSS JOIN LATERAL (
        SELECT {score} AS score FROM {selected} AS x
        WHERE %(offer_id)s::text IS NULL OR x ->> 'offerId' = %(offer_id)s
    ) AS y
    WHERE y.score IS NOT NULL
    GROUP BY 1
) AS s
"""

_FATES = """
SELECT b.ordinal, b.fate, b.winner, o.name, b.decisions
FROM (
    SELECT w.ordinal, s.*
    FROM {windows} CROSS JOIN LATERAL (
        SELECT f.fate, CASE WHEN f.fate IN ('outranked', 'not_selected') THEN f.winner END AS winner,
               count(*) AS decisions
        FROM (
            SELECT CASE
                       WHEN e.own_rank <= e.best_rank THEN 'first'
                       WHEN e.own_rank IS NOT NULL THEN 'outranked'
                       WHEN r.status_code >= 500 THEN 'failed'
                       WHEN r.selected_count > 0 THEN 'not_selected'
                       WHEN r.after_qualification = 0 THEN 'none_qualified'
                       WHEN r.after_contact_policy = 0 THEN 'all_suppressed'
                       ELSE 'none_selected'
                   END AS fate,
                   e.winner
            FROM (SELECT r.selected, r.status_code, r.selected_count, r.after_qualification, r.after_contact_policy
                  FROM {traces}{conditions}) AS r
            CROSS JOIN LATERAL (
                SELECT min(coalesce({rank}, 1000000)) FILTER (WHERE x ->> 'offerId' = %(offer_id)s) AS own_rank,
                       min(coalesce({rank}, 1000000)) AS best_rank,
                       (array_agg(x ->> 'offerId' ORDER BY {rank}, x ->> 'offerId'))[1] AS winner
                FROM {selected} AS x
            ) AS e
        ) AS f
        GROUP BY 1, 2
    ) AS s
) AS b
LEFT JOIN {offers} AS o ON o.tenant_id = %(tenant)s AND o.key = b.winner
"""


@dataclass(frozen=True, slots=True)
class TraceAsk:
    """Ask about decisions of one tenant, over `current` and over `before`."""

    tenant_id: uuid.UUID
    current: tuple[datetime, datetime]
    before: tuple[datetime, datetime]
    channel_id: str | None = None

    def statement(self, text: str) -> str:
        """Return the statement with its constants; nothing that a tenant typed gets into it."""
        conditions = Narrowing(channel_id=self.channel_id).conditions(Source.TRACES)
        return text.format(
            windows=_WINDOWS, traces=_TRACES, conditions=conditions, selected=_SELECTED, rank=_RANK, score=_SCORE,
            offers=Offer._meta.db_table,
        )  # fmt: skip

    def values(self, **more: Any) -> dict[str, Any]:
        """Return the parameters of the statement."""
        (start, end), (start_before, end_before) = self.current, self.before
        spans = {"starts": [start, start_before], "ends": [end, end_before]}
        return {"tenant": self.tenant_id, "channel_id": self.channel_id, **spans, **more}


class SelectedOffer(NamedTuple):
    """In how many decisions an offer was selected, in how many as the first, at which mean rank and score."""

    offer_id: str | None
    name: str | None
    decisions: int
    firsts: int
    mean_rank: float | None
    mean_score: float | None
    decisions_before: int


class SelectedOffers(NamedTuple):
    """How many offers there are, and those selected most, to be read once inside the transaction."""

    found: int
    first: Iterator[SelectedOffer]


class Fate(NamedTuple):
    """What came of decisions for one offer; `winner` is the offer that was ranked first where another one was."""

    fate: str
    winner: str | None
    winner_name: str | None
    decisions: int
    decisions_before: int


def read_selected_offers(ask: TraceAsk, limit: int) -> SelectedOffers:
    """Return the offers that were selected now or in the period before, those selected most first."""
    rows = stream_rows(ask.statement(_BY_OFFER), ask.values(limit=limit))
    first = next(rows, None)
    if first is None:
        return SelectedOffers(0, iter(()))
    return SelectedOffers(first[0], _chained(first, rows))


def _chained(first: tuple[Any, ...], rest: Iterator[tuple[Any, ...]]) -> Iterator[SelectedOffer]:
    yield SelectedOffer(*first[1:])
    for row in rest:
        yield SelectedOffer(*row[1:])


def read_scores(ask: TraceAsk, buckets: int, offer_id: str | None = None) -> tuple[dict[int, int], dict[int, int]]:
    """Return how many selections have a score in each of `buckets` equal parts of 0 to 1, now and before.

    Part -1 holds scores below 0, part `buckets` those above 1; a score of exactly 1 is in the last part between.
    """
    found: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for ordinal, bucket, selections in _fetched(ask, _SCORES, buckets=buckets, offer_id=offer_id):
        found[ordinal - 1][bucket] = selections
    return found


def read_fates(ask: TraceAsk, offer_id: str) -> list[Fate]:
    """Return what came of the decisions for an offer, one entry for each fate and winner, in no order.

    Fates: `first` and `outranked` (it was selected, as the first or behind another one), `failed` (a status of 500 or
    above), `not_selected` (others were), `none_qualified`, `all_suppressed` (the contact policy left nothing), and
    `none_selected` (something was left and nothing was taken).
    """
    counts: dict[tuple[str, str | None], list[int]] = {}
    names: dict[str | None, str | None] = {}
    for ordinal, fate, winner, name, decisions in _fetched(ask, _FATES, offer_id=offer_id):
        names[winner] = name
        counts.setdefault((fate, winner), [0, 0])[ordinal - 1] += decisions
    return [Fate(fate, winner, names[winner], now, before) for (fate, winner), (now, before) in counts.items()]


def _fetched(ask: TraceAsk, text: str, **values: Any) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(ask.statement(text), ask.values(**values))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
