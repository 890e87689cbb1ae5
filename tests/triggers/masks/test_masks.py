"""Whether two patterns share a name: proven by an example, proven not, or not decidable."""

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.ir.sources import DateTemplatePattern, GlobPattern, RegexPattern
from flows.storage.patterns import AnyPattern, matches, matching
from triggers.decisions.masks import SOME_DAY, Comparison, Meeting, compare_masks

# A date template's example is of this day.
NOW = SOME_DAY
# Every name of up to five of the letters that the random patterns below are made of.
LETTERS = "ab."
NAMES = ["".join(name) for length in range(1, 6) for name in itertools.product(LETTERS, repeat=length)]
GLOBS = st.text(alphabet="ab.*?", min_size=1, max_size=5)


def glob(value: str) -> GlobPattern:
    """Return a glob."""
    return GlobPattern(type="glob", value=value)


def regex(value: str) -> RegexPattern:
    """Return a regular expression."""
    return RegexPattern(type="regex", value=value)


def dated(value: str, zone: str = "UTC") -> DateTemplatePattern:
    """Return a date template."""
    return DateTemplatePattern(type="date_template", value=value, timezone=zone)


def compare(left: AnyPattern, right: AnyPattern) -> Comparison:
    """Compare both ways round, which must say the same; return what it says."""
    found, turned = compare_masks(left, right), compare_masks(right, left)
    assert (found.meeting, len(found.example)) == (turned.meeting, len(turned.example))
    return found


@pytest.mark.parametrize(
    ("left", "right", "example"),
    [
        ("*.done", "customers.*", "customers.done"),
        ("*.done", "customers.done", "customers.done"),
        ("*", "*", "a"),
        ("*", "?", "a"),
        ("?", "?", "a"),
        ("a?c", "ab?", "abc"),
        ("a*", "*b", "ab"),
        ("*a*", "*b*", "ab"),
        ("a*b", "a**b", "ab"),
        (".*", ".x", ".x"),
        ("[ab].csv", "[ab].*", "[ab].csv"),
        ("*.csv", "*csv", "a.csv"),
        ("?csv", "*csv", "acsv"),
        ("é*", "*ü", "éü"),
        ("*-2026-*.csv", "orders-*", "orders-2026-.csv"),
    ],
)
def test_globs_that_share_a_name_are_told_with_a_shortest_one(left: str, right: str, example: str) -> None:
    found = compare(glob(left), glob(right))

    assert found.meeting is Meeting.OVERLAP
    assert len(found.example) == len(example)
    assert matches(glob(left), found.example, now=NOW)
    assert matches(glob(right), found.example, now=NOW)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("customers.done", "accounts.done"),
        ("customers.*.done", "accounts.*.done"),
        ("*.done", "*.csv"),
        ("a?", "a"),
        ("??*", "a"),
        # As in a shell, a wildcard at the start takes no dot.
        ("*", ".hidden"),
        ("?hidden", ".hidden"),
        ("?csv", "*.csv"),
        # A name has no slash, and a set of characters is none here.
        ("inbox/*", "inbox/*"),
        ("[ab].csv", "a.csv"),
        ("Orders.csv", "orders.csv"),
        # What no store could keep is nobody's name.
        ("a" * 200 + "*", "*" + "b" * 200),
        ("\u00e9" * 128, "*"),
    ],
)
def test_globs_that_share_none_are_apart(left: str, right: str) -> None:
    assert compare(glob(left), glob(right)).meeting is Meeting.APART


@settings(max_examples=1_500, deadline=None)
@given(GLOBS, GLOBS)
def test_globs_are_compared_as_brute_force_would(left: str, right: str) -> None:
    both = zip(NAMES, matching(glob(left), NAMES, now=NOW), matching(glob(right), NAMES, now=NOW), strict=True)
    shared = [name for name, is_left, is_right in both if is_left and is_right]

    found = compare(glob(left), glob(right))

    if found.meeting is Meeting.OVERLAP:
        assert matches(glob(left), found.example, now=NOW)
        assert matches(glob(right), found.example, now=NOW)
        assert not shared or len(found.example) == min(map(len, shared))
    else:
        assert shared == []


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab*?", min_size=1, max_size=40), st.text(alphabet="ab*?", min_size=1, max_size=40))
def test_an_example_of_longer_globs_matches_both(left: str, right: str) -> None:
    found = compare(glob(left), glob(right))

    if found.meeting is Meeting.OVERLAP:
        assert matches(glob(left), found.example, now=NOW)
        assert matches(glob(right), found.example, now=NOW)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("*a" * 250, "*b*a" * 125),
        ("*a" * 250, "*a" * 250),
        ("?" * 250 + "*" + "a" * 200, "*a" * 250),
        ("*a" * 249 + "*b", "*a" * 250),
        ("*?" * 250, "?*" * 250),
        ("*" * 500, "a" * 250 + "*" * 250),
    ],
)
def test_the_longest_patterns_are_compared_in_seconds(left: str, right: str) -> None:
    began = time.monotonic()

    compare_masks(glob(left), glob(right))

    # Far from the hours of a search that goes back: about one second on a slow machine.
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("left", "right", "example"),
    [
        (dated("orders-{YYYYMMDD}.csv"), glob("orders-*.csv"), "orders-20270131.csv"),
        (dated("orders-{YYYYMMDD}.csv"), dated("orders-{YYYY}{MM}{DD}.csv"), "orders-20270131.csv"),
        (dated("{YYYY-MM-DD}T{HH}{mm}{ss}"), glob("*"), "2027-01-31T021500"),
        # Not today, but on a day.
        (dated("orders-{YYYYMMDD}.csv"), glob("orders-20271231.csv"), "orders-20271231.csv"),
        (dated("{DD}.csv"), dated("{MM}.csv"), "11.csv"),
        (dated("{HH}.csv"), glob("2?.csv"), "21.csv"),
        (dated("*{MM}"), glob("?0"), "10"),
        # In two zones it is the same date for most of the day.
        (dated("{YYYYMMDD}"), dated("{YYYYMMDD}", "Pacific/Auckland"), "20111111"),
    ],
)
def test_a_date_template_overlaps_with_what_it_may_read_as_on_some_day(
    left: AnyPattern, right: AnyPattern, example: str
) -> None:
    found = compare(left, right)

    assert (found.meeting, len(found.example)) == (Meeting.OVERLAP, len(example))
    if "{DD}" not in left.value and left.value != "{YYYYMMDD}":
        assert found.example == example


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (dated("orders-{YYYYMMDD}.csv"), glob("accounts-*.csv")),
        (dated("orders-{YYYYMMDD}.csv"), glob("orders-1999*.csv")),
        (dated("orders-{YYYYMMDD}.csv"), glob("orders-2026????.txt")),
        (dated("orders-{MM}.csv"), glob("orders-20.csv")),
        (dated("{YYYY}"), dated("{YYYY-MM-DD}")),
        (dated("{YYYYMMDD}", "Nowhere/Land"), glob("*")),
    ],
)
def test_a_date_template_is_apart_from_what_it_never_reads_as(left: AnyPattern, right: AnyPattern) -> None:
    assert compare(left, right).meeting is Meeting.APART


@pytest.mark.parametrize(
    ("left", "right"),
    [
        # The thirteenth month, the 30th of February, a year that is two at once.
        (dated("orders-{YYYYMMDD}.csv"), glob("orders-20271331.csv")),
        (dated("orders-{YYYYMMDD}.csv"), glob("orders-2027023?.csv")),
        (dated("{YYYY}-{YYYY}"), glob("2027-2028")),
    ],
)
def test_where_one_name_does_not_prove_it_a_date_template_is_left_undecided(
    left: AnyPattern, right: AnyPattern
) -> None:
    assert compare(left, right).meeting is Meeting.UNKNOWN


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (r"orders_\d{8}\.csv", glob("orders_*.csv")),
        (r"orders_[0-9]+\.csv", glob("orders_*.csv")),
        (r"orders.*\.csv", regex(r"orders_\d+\.csv")),
        (r"(?:orders|accounts)\.done", glob("*.done")),
        (r"orders\.csv", regex(r"orders\.csv")),
        (r"^orders_\w+\.csv$", glob("*.csv")),
        (r"orders_\d{8}\.csv", dated("orders_{YYYYMMDD}.csv")),
        (r".*", glob("*.csv")),
        # The same words, though no name is found.
        (r"[[:alpha:]]{3}\p{Greek}", regex(r"[[:alpha:]]{3}\p{Greek}")),
    ],
)
def test_a_regular_expression_overlaps_where_an_example_proves_it(left: str, right: AnyPattern) -> None:
    found = compare(regex(left), right)

    assert found.meeting is Meeting.OVERLAP
    assert not found.example or matches(regex(left), found.example, now=NOW)
    assert not found.example or matches(right, found.example, now=NOW)


@pytest.mark.parametrize(
    ("left", "right"), [("a+b", regex("a+c")), ("[xyz]{9}", glob("q*")), (r"orders\.csv", glob("accounts.csv"))]
)
def test_without_an_example_a_regular_expression_is_left_undecided(left: str, right: AnyPattern) -> None:
    assert compare(regex(left), right).meeting is Meeting.UNKNOWN


@pytest.mark.parametrize("broken", ["(", "a)|(b", "(?=a)", r"(a)\1", "a{2000}"])
def test_what_cannot_be_used_matches_nothing(broken: str) -> None:
    assert compare(regex(broken), glob("*")).meeting is Meeting.APART


@pytest.mark.parametrize("length", [10, 500])
def test_a_regular_expression_that_others_choke_on_costs_little(length: int) -> None:
    began = time.monotonic()

    compare_masks(regex("(a*)*b"[:length] + "a" * (length - 6)), glob("a" * (length - 1)))

    assert time.monotonic() - began < 5
