"""Configuration is read from the environment or from mounted files, and what is wrong is said in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kaireon.platform.env import ConfigurationError, MountedSecretsEnv


def reading(**variables: str) -> MountedSecretsEnv:
    """Return a reader of exactly these variables."""
    return MountedSecretsEnv(variables)


def test_a_secret_comes_from_its_variable() -> None:
    assert reading(CRON_TOKEN="t0p").secret("CRON_TOKEN") == "t0p"


def test_a_secret_that_is_nowhere_is_its_default() -> None:
    assert reading().secret("CRON_TOKEN") == ""
    assert reading().secret("CRON_TOKEN", "fallback") == "fallback"


def test_a_mounted_secret_is_read_without_the_line_break_at_its_end(tmp_path: Path) -> None:
    mounted = tmp_path / "cron-token"
    mounted.write_text("  t0p\n", encoding="utf-8")

    assert reading(CRON_TOKEN_FILE=str(mounted)).secret("CRON_TOKEN") == "t0p"


def test_a_secret_given_twice_is_refused_instead_of_guessed(tmp_path: Path) -> None:
    env = reading(CRON_TOKEN="a", CRON_TOKEN_FILE=str(tmp_path / "b"))

    with pytest.raises(ConfigurationError, match="CRON_TOKEN and CRON_TOKEN_FILE are both set"):
        env.secret("CRON_TOKEN")


def test_an_empty_variable_beside_a_file_leaves_the_file(tmp_path: Path) -> None:
    mounted = tmp_path / "cron-token"
    mounted.write_text("t0p", encoding="utf-8")

    assert reading(CRON_TOKEN="", CRON_TOKEN_FILE=str(mounted)).secret("CRON_TOKEN") == "t0p"


def test_a_mounted_file_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nothing"

    with pytest.raises(ConfigurationError, match=f"CRON_TOKEN_FILE names {missing}"):
        reading(CRON_TOKEN_FILE=str(missing)).secret("CRON_TOKEN")


def test_a_mounted_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigurationError, match="cannot be read"):
        reading(CRON_TOKEN_FILE=str(binary)).secret("CRON_TOKEN")


@pytest.mark.parametrize(("text", "number"), [("", 50), ("  ", 50), ("7", 7), (" 8 ", 8), ("1", 1), ("90", 90)])
def test_a_number_is_read_with_its_default_and_bounds(text: str, number: int) -> None:
    assert reading(BUDGET=text).number("BUDGET", 50, minimum=1, maximum=90) == number


@pytest.mark.parametrize("text", ["0", "91", "-1", "7.5", "seven", "1e3", "0x10"])
def test_a_number_that_is_none_or_out_of_bounds_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigurationError, match="BUDGET must be"):
        reading(BUDGET=text).number("BUDGET", 50, minimum=1, maximum=90)


@pytest.mark.parametrize(("text", "word"), [("", "INFO"), ("debug", "DEBUG"), (" Info ", "INFO")])
def test_a_choice_ignores_case_and_space(text: str, word: str) -> None:
    assert reading(LOG_LEVEL=text).choice("LOG_LEVEL", "INFO", among=("DEBUG", "INFO")) == word


def test_a_choice_that_is_none_lists_the_choices() -> None:
    with pytest.raises(ConfigurationError, match="LOG_LEVEL must be one of DEBUG, INFO, not 'LOUD'"):
        reading(LOG_LEVEL="loud").choice("LOG_LEVEL", "INFO", among=("DEBUG", "INFO"))


@pytest.mark.parametrize("rate", ["1/s", "6000/min", "100/hour", "5/d"])
def test_a_rate_is_taken_as_it_is(rate: str) -> None:
    assert reading(API_RATE_LIMIT=rate).rate("API_RATE_LIMIT", "1/s") == rate


@pytest.mark.parametrize("rate", ["6000", "/min", "0/min", "-1/s", "6000/fortnight", "a/min", "1/min/s", "6 000/min"])
def test_a_rate_that_is_none_is_refused_at_the_start_and_not_at_the_first_request(rate: str) -> None:
    with pytest.raises(ConfigurationError, match="API_RATE_LIMIT must be like"):
        reading(API_RATE_LIMIT=rate).rate("API_RATE_LIMIT", "1/s")


def test_words_are_split_at_commas_without_blanks() -> None:
    assert reading(HOSTS=" a:1, ,b:2,").words("HOSTS") == ["a:1", "b:2"]
    assert reading().words("HOSTS") == []


DOLLAR: list[tuple[str, Callable[[MountedSecretsEnv], Any], Any]] = [
    ("str", lambda env: env.str("X", default=""), "$Y"),
    ("str without a default", lambda env: env.str("X"), "$Y"),
    ("call", lambda env: env("X", default=""), "$Y"),
    ("secret", lambda env: env.secret("X"), "$Y"),
    ("words", lambda env: env.words("X"), ["$Y"]),
    ("bool", lambda env: env.bool("X", default=True), False),
]


@pytest.mark.parametrize("others", [{}, {"Y": "true"}])
@pytest.mark.parametrize(("read", "value"), [case[1:] for case in DOLLAR], ids=[case[0] for case in DOLLAR])
def test_a_dollar_is_a_character_and_names_no_other_variable(
    read: Callable[[MountedSecretsEnv], Any], value: Any, others: dict[str, str]
) -> None:
    assert read(reading(X="$Y", **others)) == value


REFUSED: list[Callable[[MountedSecretsEnv], Any]] = [
    lambda env: env.number("X", 5, minimum=1),
    lambda env: env.choice("X", "INFO", among=("DEBUG", "INFO")),
    lambda env: env.rate("X", "1/s"),
]


@pytest.mark.parametrize("read", REFUSED, ids=["number", "choice", "rate"])
def test_a_dollar_is_refused_where_it_cannot_stand(read: Callable[[MountedSecretsEnv], Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"X must be .*Y"):
        read(reading(X="$Y", Y="7"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", True), ("  ", True), ("false", False), ("False ", False), ("0", False), ("off", False), ("yes", True)],
)
def test_a_switch_is_its_default_unless_it_says_otherwise(text: str, *, expected: bool) -> None:
    assert reading(TICKS=text).switch("TICKS", default=True) is expected


def test_a_switch_that_says_neither_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="TICKS must be true or false, not 'perhaps'"):
        reading(TICKS="perhaps").switch("TICKS", default=True)
