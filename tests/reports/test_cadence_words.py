"""A cadence in words: what is said must be what our cron does."""

import re

import pytest
from cron_descriptor import FormatError, MissingFieldError
from hypothesis import given, settings
from hypothesis import strategies as st

from kaireon.platform.cadence import CadenceError, parse_cron
from reports.decisions import cadence_words
from reports.decisions.cadence_words import say_cron, say_kept


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        # The seed's four.
        ("*/5 * * * *", "Every 5 minutes"),
        ("0 8 * * *", "At 08:00"),
        ("0 9 * * 1-5", "At 09:00, Monday through Friday"),
        ("0 9 1 * *", "At 09:00, on day 1 of the month"),
        ("* * * * *", "Every minute"),
        ("0 * * * *", "Every hour"),
        ("0 */6 * * *", "Every 6 hours"),
        ("5/10 * * * *", "Every 10 minutes, starting at 5 minutes past the hour"),
        ("30 6,14 * * *", "At 06:30 and 14:30"),
        ("*/10 8-17 * * 1-5", "Every 10 minutes, between 08:00 and 17:59, Monday through Friday"),
        ("0 8 29 2 *", "At 08:00, on day 29 of the month, only in February"),
        ("0 8 1,15 * *", "At 08:00, on day 1 and 15 of the month"),
        ("15 10 * 6-8 *", "At 10:15, June through August"),
        ("0 8 * JAN,DEC *", "At 08:00, only in January and December"),
        ("\t0  8 * * *", "At 08:00"),
    ],
)
def test_an_expression_is_said(expression: str, words: str) -> None:
    assert say_cron(expression) == words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        # cron-descriptor says "every 2 weeks, only on Friday": it is Friday and Sunday of each week.
        pytest.param("0 8 * * FRI/2", "At 08:00, only on Friday and Sunday", id="a step from a weekday"),
        pytest.param("0 8 * * 1-5/2", "At 08:00, only on Monday, Wednesday, and Friday", id="a step in weekdays"),
        pytest.param("0 8 * * */2", "At 08:00, only on Tuesday, Thursday, Saturday, and Sunday", id="every other"),
        # It says "only on Sunday and Sunday".
        pytest.param("0 8 * * 0,7", "At 08:00, only on Sunday", id="Sunday by both numbers"),
        pytest.param("0 8 * * 0,6", "At 08:00, only on Saturday and Sunday", id="the weekend"),
        pytest.param("0 8 * * 5-7", "At 08:00, Friday through Sunday", id="to Sunday"),
        pytest.param("0 8 * * mon,TUE,Wed", "At 08:00, Monday through Wednesday", id="names in any case"),
        pytest.param("0 8 * */3 *", "At 08:00, only in January, April, July, and October", id="a step of months"),
        # Both restricted: either is enough, as in cron.
        pytest.param("0 8 1 * 1", "At 08:00, on day 1 of the month, or on Monday", id="either day"),
        # Neither is restricted.
        pytest.param("0 8 */1 */1 */1", "At 08:00", id="steps of one"),
        pytest.param(
            "1,2,3-10/4 8 * * *", "At 1 through 3 and 7 minutes past the hour, at 08:00", id="a list with steps"
        ),
    ],
)
def test_what_the_library_reads_otherwise_is_said_as_our_cron_does(expression: str, words: str) -> None:
    assert say_cron(expression) == words


@pytest.mark.parametrize("expression", ["0-30/2,45-59/3 * * * *", "0 8 1-20/1,25 * *"])
def test_a_list_too_long_for_a_sentence_stays_the_expression(expression: str) -> None:
    assert say_cron(expression) == expression


@pytest.mark.parametrize("expression", ["@daily", "0 0 8 * * *", "0 8 ? * *", "0 8 L * *", "", "every day"])
def test_what_is_no_expression_has_no_words(expression: str) -> None:
    with pytest.raises(CadenceError):
        say_cron(expression)

    assert say_kept(expression) == expression


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    """Return the texts that a field may hold."""
    number = st.integers(low, high)
    ranges = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.integers(1, high)
    part = st.one_of(
        st.just("*"), number.map(str), ranges, st.builds("{}/{}".format, st.one_of(st.just("*"), ranges), steps),
        st.builds("{}/{}".format, number, steps),
    )  # fmt: skip
    return st.lists(part, min_size=1, max_size=4).map(",".join)


EXPRESSIONS = st.tuples(fields(0, 59), fields(0, 23), fields(1, 28), fields(1, 12), fields(0, 7)).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS)
def test_whatever_can_be_read_has_words_and_never_fails(expression: str) -> None:
    words = say_cron(expression)

    assert words
    assert words == expression or re.match(r"(At|Every|Minutes) ", words), words


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS)
def test_weekdays_that_are_not_named_are_not_said(expression: str) -> None:
    words, cron = say_cron(expression), parse_cron(expression)
    names = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    said = {number for number, name in enumerate(names) if name in words}

    if words != expression:
        assert said <= cron.weekdays
        assert cron.is_every_weekday is not bool(said)


def test_the_sentence_is_english_whatever_the_machine_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    say_cron.cache_clear()
    for name in ("LANG", "LC_ALL", "LANGUAGE"):
        monkeypatch.setenv(name, "de_DE.UTF-8")

    assert say_cron("0 9 * * 1-5") == "At 09:00, Monday through Friday"


@pytest.mark.parametrize("failure", [FormatError("no"), MissingFieldError("no"), ValueError("no"), IndexError("no")])
def test_where_the_library_fails_the_expression_stands_for_itself(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_: object) -> str:
        raise failure

    say_cron.cache_clear()
    monkeypatch.setattr(cadence_words, "get_description", fail)

    assert say_cron("7 8 * * *") == "7 8 * * *"
    say_cron.cache_clear()
