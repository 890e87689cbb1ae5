"""An answer taken apart: what is missing, too much, or no JSON is refused with its reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.narrative.draft import TextRefusedError, read_draft, schema_of, shown
from reports.decisions.narrative.slots import slots_of
from tests.reports.narration.world import document, draft

HANDLES = slots_of(document()).handles
SECTIONS = draft()["sections"]


def reason(answer: Any) -> str:
    """Return why an answer is refused."""
    with pytest.raises(TextRefusedError) as refused:
        read_draft(answer if isinstance(answer, str) else json.dumps(answer), HANDLES)
    return refused.value.reason


def outcome(answer: str) -> str:
    """Return why an answer is refused, or that it is read; any other exception fails the test."""
    try:
        read_draft(answer, HANDLES)
    except TextRefusedError as error:
        return error.reason
    return "read"


def test_a_sound_answer_is_read_with_its_parts() -> None:
    read = read_draft(json.dumps(draft()), HANDLES)

    assert list(read.parts()) == ["the summary", "section s1", "section s2", "takeaway 1", "takeaway 2", "takeaway 3"]
    assert read.takeaways[0] == "Revenue rose by {{s1.revenue.by}}."


@pytest.mark.parametrize("wrap", ["```json\n{}\n```", "```\n{}\n```", "  {}  ", "\n{}\n"])
def test_a_fence_around_the_answer_is_taken_off(wrap: str) -> None:
    assert read_draft(wrap.replace("{}", json.dumps(draft())), HANDLES).paragraphs


def test_sections_are_put_in_the_reports_order() -> None:
    read = read_draft(json.dumps(draft(sections=SECTIONS[::-1])), HANDLES)

    assert list(read.paragraphs) == ["s1", "s2"]


def test_white_space_becomes_single_blanks() -> None:
    read = read_draft(json.dumps(draft(executiveSummary="  A\n\n b\tc\u00a0d ")), HANDLES)

    assert read.executive_summary == "A b c d"


def test_further_keys_are_not_minded() -> None:
    assert read_draft(json.dumps(draft(confidence="high")), HANDLES).paragraphs


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "it is empty"),
        (" \n ", "it is empty"),
        ("Here is your report:", "not the JSON document"),
        ('{"executiveSummary": ', "not the JSON document"),
        ("[" * 100_000, "not the JSON document"),
        ('{"takeaways": ' + "1" * 5000 + "}", "not the JSON document"),
        ([], "not the JSON object"),
        (None, "not the JSON object"),
        ({}, "its sections are missing"),
        (draft(sections=None), "its sections are missing"),
        (draft(sections={"s1": "x"}), "its sections are missing"),
        (draft(sections=[]), "section s1 is missing"),
        (draft(sections=SECTIONS[:1]), "section s2 is missing"),
        (draft(sections=[*SECTIONS, SECTIONS[0]]), "section s1 more than once"),
        (draft(sections=[*SECTIONS, {"id": "s3", "paragraph": "x"}]), "not in the report"),
        (draft(sections=[*SECTIONS, "s1"]), "not in the report"),
        (draft(sections=[*SECTIONS, {"id": ["s1"], "paragraph": "x"}]), "not in the report"),
        (draft(sections=[{"id": "s1"}, SECTIONS[1]]), "section s1 is missing or empty"),
        (draft(sections=[{"id": "s1", "paragraph": "  "}, SECTIONS[1]]), "section s1 is missing or empty"),
        (draft(sections=[{"id": "s1", "paragraph": 7}, SECTIONS[1]]), "section s1 is missing or empty"),
        (draft(sections=[{"id": "s1", "paragraph": "x" * 1501}, SECTIONS[1]]), "section s1 is longer than 1500"),
        (draft(takeaways=None), "0 takeaways instead of 3 to 5"),
        (draft(takeaways=["a", "b"]), "2 takeaways instead of 3 to 5"),
        (draft(takeaways=["a"] * 6), "6 takeaways instead of 3 to 5"),
        (draft(takeaways="abc"), "0 takeaways instead of 3 to 5"),
        (draft(takeaways=["a", "b", ""]), "takeaway 3 is missing or empty"),
        (draft(takeaways=["a", {"text": "b"}, "c"]), "takeaway 2 is missing or empty"),
        (draft(takeaways=["a", "b" * 401, "c"]), "takeaway 2 is longer than 400"),
        (draft(executiveSummary=None), "the summary is missing or empty"),
        (draft(executiveSummary="x" * 1501), "the summary is longer than 1500"),
    ],
)
def test_an_answer_that_is_not_as_asked_is_refused(answer: Any, words: str) -> None:
    assert words in reason(answer)


@pytest.mark.parametrize("count", [3, 4, 5])
def test_three_to_five_takeaways_are_taken(count: int) -> None:
    assert len(read_draft(json.dumps(draft(takeaways=["A."] * count)), HANDLES).takeaways) == count


def test_the_schema_asks_for_each_section_by_its_handle() -> None:
    schema = schema_of(HANDLES)

    assert schema["required"] == ["executiveSummary", "sections", "takeaways"]
    assert schema["properties"]["sections"]["items"]["properties"]["id"]["enum"] == ["s1", "s2"]
    assert schema["additionalProperties"] is False


def test_a_piece_for_a_reason_is_short_and_visible() -> None:
    assert shown("a\u202e\x00b") == "a\\u202e\\u0000b"
    assert shown("x" * 100) == "x" * 40 + "…"


@given(st.text() | st.binary().map(lambda body: body.decode(errors="surrogateescape")))
def test_whatever_comes_is_read_or_refused(answer: str) -> None:
    assert outcome(answer)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from(["id", "paragraph", "x"]), inner),
    max_leaves=12,
)


@given(st.fixed_dictionaries({"executiveSummary": anything, "sections": anything, "takeaways": anything}))
def test_whatever_shape_it_has_is_read_or_refused(answer: dict[str, Any]) -> None:
    assert outcome(json.dumps(answer))
