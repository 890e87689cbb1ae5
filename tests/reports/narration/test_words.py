"""Words that count, in all their disguises; and words that only look like it."""

import time

import pytest

from reports.decisions.narrative.words import address_in, foreign_sign, is_english, number_word

COUNTING = (
    "zero one two ten eleven twelve nineteen twenty ninety hundred thousand million billion dozen dozens Two "
    "TEN twentyfive onehundredandone tens hundreds thousands millions millionth first second third fourth "
    "fifth twelfth twentieth hundredth firstly secondly seconds thirds fifths double doubled doubles doubling "
    "doubly triple tripled treble quadrupled quintuple twofold threefold tenfold half halved halves halving "
    "quarter quarters twice thrice once both single pair couple percent percentage percentile bps none no "
    "nothing nobody neither nil null naught majority minority lakh crore II III IV VI XII MMXXVI ii iv xii I V "
    "X C l O OOO dollars euros EUR USD minus plus k bn mn zwei drei hundert verdoppelt hälfte deux trois "
    "moitié dos-tres quatre cinco mitad dóuble ÓNE hundredfold thirtyish"
)
INNOCENT = (
    "often attend tent someone anyone oneself stone tone quarterly civil mix MIX mild did mid dim ill will "
    "weight freight network content intense don't it's they’re we'd a A offer impression secondary primary "
    "tension foundation honest phone money nonetheless another north several tender tenant attention frontier "
    "leveled"
)


@pytest.mark.parametrize("word", COUNTING.split())
def test_a_word_that_counts_is_found(word: str) -> None:
    assert number_word(f"Revenue was {word} of it") != ""


@pytest.mark.parametrize(
    "text",
    [
        "twenty-five", "two-thirds", "double-digit", "one’s own", "a (third)", "the “first” of", "Second,", "half.",
        "a ten-day run", "not one", "per cent", "thousand's", "three",
    ],
)  # fmt: skip
def test_a_number_among_marks_is_found(text: str) -> None:
    assert number_word(text) != ""


@pytest.mark.parametrize("word", INNOCENT.split())
def test_a_word_that_only_looks_like_a_number_passes(word: str) -> None:
    assert number_word(f"the {word} thing") == ""


@pytest.mark.parametrize("sign", [*"0٣५９²½Ⅳ%‰€$£+−×=<>[]{}*_#`|\\/@!^~", "\u202e", "\u200b", "\x00", "\ud800", "🙂"])
def test_a_sign_that_is_no_prose_is_found(sign: str) -> None:
    assert foreign_sign(f"Revenue {sign} more") == sign


@pytest.mark.parametrize(
    "text", ["", "Plain words, really; yes: (so) they say.", "Ærøskøbing, Łódź, naïve – “quoted” …"]
)
def test_prose_has_no_foreign_sign(text: str) -> None:
    assert foreign_sign(text) == ""


@pytest.mark.parametrize("text", ["see evil.example", "http nothing", "www here", "Mail.Me"])
def test_an_address_is_found(text: str) -> None:
    assert address_in(text) != ""


@pytest.mark.parametrize("text", ["e.g. this", "One sentence. Another one", "i.e. that", "and so on ... more"])
def test_sentences_hold_no_address(text: str) -> None:
    assert address_in(text) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The revenue of the week rose with the clicks of the sale.", True),
        ("Too short to tell.", True),
        ("Umsatz und Klicks sind im Vergleich zur Vorwoche deutlich gestiegen worden.", False),
        ("Los ingresos subieron mucho durante esta semana gracias al verano pasado.", False),
        ("I ricavi sono aumentati durante questa settimana grazie alla bella estate.", False),
    ],
)
def test_english_is_told_from_other_languages(text: str, expected: bool) -> None:
    assert is_english(text) is expected


@pytest.mark.parametrize("stem", ["ten", "seven", "hundredand", "one", "thousand", "o", "i", "x", "doubl"])
def test_a_long_word_takes_no_long_time(stem: str) -> None:
    began = time.perf_counter()

    number_word(f"{stem * (1500 // len(stem))}q")

    assert time.perf_counter() - began < 1
