"""Laws that hold for any input: what is kept reads back, what did not change is not told, rules know their bounds."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.anomalies import Level, Nature, Observation, judge
from reports.decisions.budgets import burn
from reports.decisions.changes import ChangeKind, what_changed
from reports.decisions.document import Column, Row, Section, Unit
from reports.decisions.periods import Stretch
from reports.decisions.section_json import read_sections, section_data
from reports.sources import Spool

START = datetime(2026, 3, 1, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
cells: dict[Unit, st.SearchStrategy[Any]] = {
    Unit.TEXT: texts,
    Unit.COUNT: st.integers(-(10**12), 10**12),
    Unit.MONEY: st.decimals(-(10**9), 10**9, places=2, allow_nan=False, allow_infinity=False),
    Unit.RATIO: st.floats(0, 1),
    Unit.TIME: st.integers(0, 10**9).map(lambda seconds: START + timedelta(seconds=seconds)),
    Unit.DATE: st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    Unit.YES_NO: st.booleans(),
}
COLUMNS = tuple(Column(f"c{number}", unit.value, unit) for number, unit in enumerate(cells))
rows: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(*(st.none() | strategy for strategy in cells.values())), max_size=12
)
named = st.dictionaries(texts.filter(bool), st.integers(0, 100), max_size=8)


def offers(values: dict[str, int]) -> dict[str, Any]:
    """Return a kept section of offers with their clicks."""
    columns = (Column("offer", "Offer"), Column("clicks", "Clicks", Unit.COUNT))
    return section_data(Section("s1", "Offers", "offer_performance", columns, tuple(values.items())))


@given(rows)
def test_any_table_reads_back_as_it_was(content: list[Row]) -> None:
    section = Section("s", "S", "s", COLUMNS, tuple(content))

    (found,) = read_sections([section_data(section)])

    assert found == section


@given(rows, st.integers(0, 12), st.integers(0, 12))
def test_any_rows_come_back_from_the_spool(content: list[Row], in_memory: int, times: int) -> None:
    with Spool(in_memory) as spool:
        kept = spool.keep(content)

        assert len(kept) == len(content)
        assert all(list(kept) == content for _ in range(times))


@given(named)
def test_what_did_not_change_is_not_told(values: dict[str, int]) -> None:
    assert what_changed([offers(values)], [offers(dict(reversed(values.items())))]) == []


@given(named, named)
def test_a_change_and_its_reverse_tell_of_the_same_rows(one: dict[str, int], other: dict[str, int]) -> None:
    forth, back = what_changed([offers(one)], [offers(other)]), what_changed([offers(other)], [offers(one)])

    turned = {ChangeKind.ROW_ADDED: ChangeKind.ROW_REMOVED, ChangeKind.ROW_REMOVED: ChangeKind.ROW_ADDED}
    assert sorted((turned.get(each.kind, each.kind), each.name, each.after, each.before) for each in forth) == sorted(
        (each.kind, each.name, each.before, each.after) for each in back
    )


@given(named, named)
def test_each_change_is_one_that_happened(before: dict[str, int], after: dict[str, int]) -> None:
    for change in what_changed([offers(before)], [offers(after)]):
        assert (change.before, change.after) == (before.get(change.name), after.get(change.name))
        assert change.before != change.after


@given(
    st.sampled_from(Nature), st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 10**6), st.integers(0, 10**6),
    st.floats(0.01, 10), st.integers(1, 1_000),
)  # fmt: skip
def test_a_finding_is_large_enough_and_has_its_events(
    nature: Nature, current: float, baseline: float, events: int, before: int, least: float, few: int
) -> None:
    found = judge(Observation(nature, current, baseline, events, before), min_change=least, min_events=few)

    if found is not None:
        assert max(events, before) >= few
        assert found.size >= least
        assert (found.change is None) is (baseline == 0)
        assert found.level is Level.CRITICAL or found.size < 1


@given(
    st.decimals(Decimal("0.01"), 10**9, places=2), st.decimals(0, 10**9, places=2), st.integers(1, 365),
    st.integers(-400, 800),
)  # fmt: skip
def test_a_budget_adds_up_at_any_moment(allocation: Decimal, spent: Decimal, days: int, at: int) -> None:
    window = Stretch(START, START + timedelta(days=days))
    state = burn(allocation=allocation, spent=spent, window=window, now=START + timedelta(days=at), zone="UTC")

    assert state.spent + state.remaining == allocation
    assert 0 <= state.elapsed <= 1
    assert (state.burn_rate is None) is (at <= 0)
    if state.used_up_on is not None:
        assert window.start.date() <= state.used_up_on <= window.end.date()
        assert state.spent < allocation
    if at >= days and state.projected is not None:
        assert abs(state.projected - spent) < 1
