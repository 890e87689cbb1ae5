"""Patterns as tables: which names each means, in which order, and that none can hold a worker up."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flows.ir.sources import DateTemplatePattern, GlobPattern, Ordering, RegexPattern
from flows.storage.base import StoredFile
from flows.storage.patterns import AnyPattern, PatternRefused, check_pattern, matches, matching, select_files

NOW = datetime(2026, 3, 9, 23, 30, 5, tzinfo=UTC)


def glob(value: str) -> GlobPattern:
    return GlobPattern(type="glob", value=value)


def regex(value: str) -> RegexPattern:
    return RegexPattern(type="regex", value=value)


def dated(value: str, zone: str = "UTC") -> DateTemplatePattern:
    return DateTemplatePattern(type="date_template", value=value, timezone=zone)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        (glob("*.csv"), "orders.csv", True),
        (glob("*.csv"), "orders.csv.gz", False),
        (glob("*.csv"), "ORDERS.CSV", False),
        (glob("*.csv"), ".orders.csv", False),
        (glob("*.csv"), ".csv", False),
        (glob("*"), "_ready.json", True),
        (glob("?.csv"), ".csv", False),
        (glob("?.csv"), "ä.csv", True),
        (glob("?.csv"), "ab.csv", False),
        (glob(".*"), ".hidden", True),
        (glob("a*b*c"), "a1b2c", True),
        (glob("a*b*c"), "acb", False),
        (glob("[ab].csv"), "a.csv", False),
        (glob("[ab].csv"), "[ab].csv", True),
        (glob("{a,b}+(1).csv"), "{a,b}+(1).csv", True),
        (glob("a.csv"), "aXcsv", False),
        (glob("a b #1 & ~.csv"), "a b #1 & ~.csv", True),
        (regex(r"orders_\d{8}\.csv"), "orders_20260309.csv", True),
        (regex(r"orders_\d{8}\.csv"), "my_orders_20260309.csv", False),
        (regex(r"orders_\d{8}\.csv"), "orders_20260309.csv.gz", False),
        (regex("a|b"), "ab", False),
        (regex("(?i)orders"), "ORDERS", True),
        (regex("orders$"), "orders\n", False),
        (dated("orders_{YYYY-MM-DD}.csv"), "orders_2026-03-09.csv", True),
        (dated("orders_{YYYYMMDD}_*.csv"), "orders_20260309_7.csv", True),
        (dated("{YYYY}/{MM}"), "2026/03", True),
        (dated("{DD}.{HH}.{mm}.{ss}"), "09.23.30.05", True),
        (dated("orders_{YYYYMMDD}.csv", "Europe/Berlin"), "orders_20260310.csv", True),
        (dated("orders_{YYYYMMDD}.csv", "America/New_York"), "orders_20260309.csv", True),
        (dated("o_{HH}.csv", "Asia/Kolkata"), "o_05.csv", True),
        (dated("orders_{yyyy}.csv"), "orders_{yyyy}.csv", True),
        (dated("[{YYYY}].csv"), "[2026].csv", True),
    ],
    ids=str,
)  # fmt: skip
def test_a_pattern_means_a_name_or_does_not(pattern: AnyPattern, name: str, expected: bool) -> None:
    assert matches(pattern, name, now=NOW) is expected


@pytest.mark.parametrize("now", [datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)])
def test_a_date_template_follows_the_zone_through_a_change_of_clocks(now: datetime) -> None:
    hour = {3: "03", 10: "02"}[now.month]

    assert matches(dated("o_{HH}{mm}", "Europe/Berlin"), f"o_{hour}30", now=now)


@pytest.mark.parametrize(
    "value",
    ["(", "a)|(b", "(?=a)a", r"(a)\1", "(?<!x)a", "((a{1,1000}){1,1000}){1,1000}", "[z-a]", "*a", "\\"],
    ids=["open", "breaks out", "look ahead", "back reference", "look behind", "repeats", "range", "star", "backslash"],
)
def test_a_regular_expression_that_cannot_be_used_is_refused(value: str) -> None:
    with pytest.raises(PatternRefused, match="RE2"):
        check_pattern(regex(value), now=NOW)


def test_a_zone_that_does_not_exist_is_refused() -> None:
    for zone in ("Europe/Atlantis", "../../etc/passwd", "/etc/localtime"):
        with pytest.raises(PatternRefused, match="no time zone"):
            check_pattern(dated("{YYYY}", zone), now=NOW)


@pytest.mark.parametrize(
    "pattern",
    [regex("(a+)+$"), regex("(a|a)*b"), regex("(.*)*x"), regex("(a|aa)+$"), glob("*a" * 200 + "b"), glob("*" * 400)],
    ids=["nested plus", "same twice", "nested star", "two ways", "many stars", "only stars"],
)
def test_no_pattern_takes_longer_than_its_names_are_long(pattern: AnyPattern) -> None:
    names = ["a" * 1_000 + "!"] * 50

    begun = time.process_time()
    matching(pattern, names, now=NOW)

    # A backtracking engine would need longer than the universe has had.
    assert time.process_time() - begun < 5


@given(some.text(max_size=30), some.text(min_size=1, max_size=30))
def test_no_glob_and_no_name_break_the_matcher(name: str, value: str) -> None:
    matches(glob(value), name, now=NOW)


def simple_glob(value: str, name: str) -> bool:
    """Say the same as the pattern in the plainest way."""
    if not value:
        return not name
    if value[0] == "*":
        return simple_glob(value[1:], name) or (bool(name) and name[0] != "/" and simple_glob(value, name[1:]))
    return (
        bool(name)
        and ((value[0] in {"?", name[0]} and name[0] != "/") or value[0] == name[0])
        and simple_glob(value[1:], name[1:])
    )


@given(some.text("ab*?./", min_size=1, max_size=8), some.text("ab./", max_size=8))
def test_globs_agree_with_a_plain_matcher(value: str, name: str) -> None:
    hidden = value[0] in "*?" and name.startswith(".")

    assert matches(glob(value), name, now=NOW) is (simple_glob(value, name) and not hidden)


def file(name: str, minutes: int | None) -> StoredFile:
    when = None if minutes is None else NOW + timedelta(minutes=minutes)
    return StoredFile("local_fs", f"/inbox/{name}", 1, when, "1")


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("latest_by_mtime", ["b.csv", "c.csv", "d.csv", "a.csv"]),
        ("fifo_by_name", ["a.csv", "b.csv", "c.csv", "d.csv"]),
        ("lexicographic", ["a.csv", "b.csv", "c.csv", "d.csv"]),
        ("process_all", ["d.csv", "b.csv", "a.csv", "c.csv"]),
    ],
)
def test_files_are_taken_in_the_order_that_was_asked_for(ordering: Ordering, expected: list[str]) -> None:
    files = [file("d.csv", 1), file("x.txt", 9), file("b.csv", 3), file("a.csv", None), file("c.csv", 3)]

    chosen = select_files(files, glob("*.csv"), ordering, now=NOW)

    assert [each.name for each in chosen] == expected


def test_no_more_files_are_taken_than_wanted() -> None:
    files = [file(f"{number}.csv", number) for number in range(9)]

    chosen = select_files(files, glob("*.csv"), "latest_by_mtime", now=NOW, most=2)

    assert [each.name for each in chosen] == ["8.csv", "7.csv"]


def test_a_hundred_thousand_names_are_matched_in_a_moment() -> None:
    names = [f"orders_{number:08}.csv" for number in range(100_000)]

    found = matching(regex(r"orders_\d+9\.csv"), names, now=NOW)

    assert sum(found) == 10_000
