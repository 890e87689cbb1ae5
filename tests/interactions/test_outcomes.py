"""The words of outcomes."""

import pytest

from interactions.decisions import SYSTEM_OUTCOMES, Category, Classification, Direction, OutcomeDefinition

BY_KEY = {outcome.key: outcome for outcome in SYSTEM_OUTCOMES}


def test_keys_are_unique() -> None:
    assert len(BY_KEY) == len(SYSTEM_OUTCOMES) == 10


@pytest.mark.parametrize("outcome", SYSTEM_OUTCOMES, ids=lambda outcome: outcome.key)
def test_every_outcome_is_explained_in_a_sentence(outcome: OutcomeDefinition) -> None:
    assert outcome.name
    assert outcome.description.endswith(".")


@pytest.mark.parametrize(
    ("classification", "keys"),
    [
        (Classification.POSITIVE, {"click", "accept", "convert", "requested_info"}),
        (Classification.NEGATIVE, {"dismiss", "not_interested"}),
        (Classification.NEUTRAL, {"impression", "not_presented", "expired", "deferred"}),
    ],
)
def test_each_classification_has_its_documented_outcomes(classification: Classification, keys: set[str]) -> None:
    assert {outcome.key for outcome in SYSTEM_OUTCOMES if outcome.classification is classification} == keys


def test_only_what_was_or_should_have_been_shown_is_an_impression() -> None:
    shown = {outcome.key for outcome in SYSTEM_OUTCOMES if outcome.category is Category.IMPRESSION}

    assert shown == {"impression", "not_presented"}


def test_the_words_are_those_of_the_wire() -> None:
    assert [str(word) for word in (*Classification, *Category, *Direction)] == [
        "positive", "negative", "neutral", "impression", "response", "inbound", "outbound",
    ]  # fmt: skip
