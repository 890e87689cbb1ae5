"""Text on a PDF page: the order of its parts, its fonts, its shapes and its lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.renderers.pdf.bidi import stretches
from reports.renderers.pdf.fonts import BOLD, FOLDER, REGULAR, face_for, face_named
from reports.renderers.pdf.lettering import ELLIPSIS, is_simple, runs_of, shortened, width_of, wrapped

ALEPH, BET, GIMEL = "א", "ב", "ג"


def on_the_page(text: str) -> str:
    """Return a line's letters from left to right."""
    parts = stretches(text)
    return "".join(part.text[::-1] if part.is_right_to_left else part.text for part in parts)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("abc", "abc"),
        ("", ""),
        (ALEPH + BET, BET + ALEPH),
        (f"a {ALEPH}{BET} b", f"a {BET}{ALEPH} b"),
        (f"{ALEPH} a {BET}", f"{BET} a {ALEPH}"),
        (f"{ALEPH} 12 {BET}", f"{BET} 12 {ALEPH}"),
        (f"{ALEPH}{BET} 12", f"12 {BET}{ALEPH}"),
        (f"{ALEPH} 45% {BET}", f"{BET} 45% {ALEPH}"),
        (f"{ALEPH} 1,234.5 {BET}", f"{BET} 1,234.5 {ALEPH}"),
        (f"a {ALEPH} - {BET} b", f"a {BET} - {ALEPH} b"),
        (f"a, {ALEPH}, b", f"a, {ALEPH}, b"),
        (f"12 {ALEPH}", f"{ALEPH} 12"),
        ("12 - 13", "12 - 13"),
        ("...", "..."),
        ("م1م", "م1م"),
        (f"{ALEPH}\u05b8{BET}", f"{BET}\u05b8{ALEPH}"),
        (f"a {ALEPH} 1 {BET} c", f"a {BET} 1 {ALEPH} c"),
    ],
)
def test_parts_stand_as_the_bidirectional_algorithm_says(text: str, seen: str) -> None:
    assert on_the_page(text) == seen


@given(st.text(alphabet="ab 12.,%-()אבגمنه\u05b8", max_size=30))
def test_no_letter_is_lost_or_doubled(text: str) -> None:
    assert sorted(on_the_page(text)) == sorted(text)


@given(st.text(alphabet="ab 12.,%-()é", max_size=30))
def test_what_runs_to_the_right_stays_as_it_is(text: str) -> None:
    assert on_the_page(text) == text


@pytest.mark.parametrize(
    ("letter", "font"),
    [
        ("a", REGULAR), ("é", REGULAR), ("Ω", REGULAR), ("Ж", REGULAR), ("€", REGULAR), ("ب", "NotoSansArabic-Regular"),
        ("א", "NotoSansHebrew-Regular"), ("न", "NotoSansDevanagari-Regular"), ("ท", "NotoSansThai-Regular"),
        ("გ", "NotoSansGeorgian-Regular"), ("ጤ", "NotoSansEthiopic-Regular"), ("ជ", "NotoSansKhmer-Regular"),
        ("你", "DroidSansFallback"), ("カ", "DroidSansFallback"), ("한", "DroidSansFallback"), ("▲", "DejaVuSans"),
        ("😀", "DejaVuSans"), ("\U00012000", REGULAR),
    ],
)  # fmt: skip
def test_each_letter_has_its_font(letter: str, font: str) -> None:
    assert face_for(letter, bold=False).name == font


def test_every_font_file_can_be_read_and_has_its_licence_beside_it() -> None:
    for path in FOLDER.glob("*.ttf"):
        assert face_named(path.stem).letters
        assert path.stem.startswith("NotoSans") or path.stem in (FOLDER / "LICENSES.txt").read_text(encoding="utf-8")


def test_latin_is_written_letter_by_letter() -> None:
    (run,) = runs_of("Offer 12.3 %")

    assert run.font == REGULAR
    assert run.glyphs is None
    assert is_simple("Zoë Ωmega Жук – “x”")
    assert runs_of("x", bold=True)[0].font == BOLD
    assert runs_of("") == ()


def test_arabic_letters_join() -> None:
    (whole,) = runs_of("بب")
    (alone,) = runs_of("ب")

    assert whole.glyphs is not None
    assert alone.glyphs is not None
    assert len(whole.glyphs) == 2
    assert alone.glyphs[0].letter not in {glyph.letter for glyph in whole.glyphs}


def test_a_conjunct_of_devanagari_is_one_glyph() -> None:
    (run,) = runs_of("क्ष")

    assert run.glyphs is not None
    assert len(run.glyphs) == 1


def test_a_mark_stays_with_its_letter() -> None:
    runs = runs_of("e\u0301x")

    assert "".join(run.text for run in runs) == "e\u0301x"
    assert width_of("e\u0301x", 10) == pytest.approx(width_of("éx", 10), abs=0.2)


def test_joiners_that_no_font_draws_are_left_out() -> None:
    assert width_of("❤\ufe0f", 10) == width_of("❤", 10)


def test_a_letter_of_no_font_takes_the_width_of_its_box() -> None:
    assert width_of("\U00012000", 10) > 1


def test_widths_grow_with_the_size() -> None:
    for text in ("Offer", "مرحبا", "你好"):
        assert width_of(text, 20) == pytest.approx(2 * width_of(text, 10))
    assert width_of("Offer", 10, bold=True) > width_of("Offer", 10)


def test_a_short_text_is_one_line() -> None:
    assert wrapped("Summer sale", 200, 10) == ["Summer sale"]
    assert wrapped("", 200, 10) == [""]


def test_lines_break_at_spaces() -> None:
    assert wrapped("Summer sale of all offers", 66, 10) == ["Summer sale", "of all offers"]


def test_ideographs_break_anywhere() -> None:
    lines = wrapped("你好世界你好世界", 41, 10)

    assert lines == ["你好世界", "你好世界"]


def test_a_word_longer_than_a_line_is_broken() -> None:
    lines = wrapped("W" * 50, 100, 10)

    assert "".join(lines) == "W" * 50
    assert all(width_of(line, 10) <= 100 for line in lines)


def test_lines_after_the_last_become_an_ellipsis() -> None:
    lines = wrapped("one two three four five six seven", 40, 10, most=2)

    assert len(lines) == 2
    assert lines[-1].endswith(ELLIPSIS)
    assert width_of(lines[-1], 10) <= 40


def test_a_text_is_shortened_to_a_width() -> None:
    assert shortened("Summer sale", 200, 10) == "Summer sale"
    cut = shortened("Summer sale of everything", 60, 10)
    assert cut.endswith(ELLIPSIS)
    assert width_of(cut, 10) <= 60


@given(st.text(alphabet="ab W你好אמרحبا नम ", max_size=80), st.floats(30, 300))
def test_lines_fit_and_hold_every_letter(text: str, width: float) -> None:
    lines = wrapped(text, width, 10)

    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(width_of(line.rstrip(), 10) <= width + 0.01 for line in lines)
