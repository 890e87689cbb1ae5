"""The lists of words agree with each other, with the rules that the model is given, and with plain English."""

from itertools import combinations

import pytest

from reports.decisions.narrative.prompt import RULES
from reports.decisions.narrative.vocabulary import (
    BEFORE_UP,
    CAUSES,
    COMMON,
    COUNTING,
    DOWN,
    JUDGING,
    LEAST,
    LINKING,
    MOST,
    ORDINALS,
    PAST,
    RATES,
    STEADY,
    STEMS,
    TURNED,
    UP,
)
from reports.decisions.narrative.words import number_word

LISTS = {
    "up": UP, "down": DOWN, "steady": STEADY, "turned": TURNED, "judging": JUDGING, "most": MOST, "least": LEAST,
    "causes": CAUSES, "rates": RATES,
}  # fmt: skip
EVERY = {**LISTS, "before up": BEFORE_UP, "common": COMMON, "counting": COUNTING, "linking": LINKING, "past": PAST}


@pytest.mark.parametrize(("one", "other"), list(combinations(sorted(LISTS), 2)))
def test_no_word_means_two_things(one: str, other: str) -> None:
    assert LISTS[one] & LISTS[other] == frozenset()


@pytest.mark.parametrize("name", sorted(EVERY))
def test_words_are_single_and_in_lower_case(name: str) -> None:
    assert [word for word in EVERY[name] if not word.isalpha() or word != word.casefold()] == []


@pytest.mark.parametrize("word", sorted(STEMS | ORDINALS | COUNTING))
def test_every_word_that_counts_is_found(word: str) -> None:
    assert number_word(f"about {word} of it") == word
    assert number_word(f"about {word.upper()} of it") == word.upper()


@pytest.mark.parametrize("name", sorted(set(EVERY) - {"counting"}))
def test_a_word_that_a_text_may_need_does_not_count(name: str) -> None:
    may_not = {"neither", "no", "nor"} | (EVERY[name] & COUNTING)

    assert [word for word in EVERY[name] - may_not if number_word(word) and len(word) > 1] == []


@pytest.mark.parametrize(
    "word", ["rose", "fell", "unchanged", "improved", "worse", "highest", "leads", "lowest", "double", "no"]
)
def test_the_words_that_the_rules_name_are_looked_for(word: str) -> None:
    known = frozenset().union(*LISTS.values())

    assert f'"{word}"' in RULES
    assert word in known or number_word(word) == word
