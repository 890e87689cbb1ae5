"""Whatever text a model returns: every digit in the narrative occurs in a formatted figure of the data."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from reports.decisions.document import Document, Narrative, NarrativeSource
from reports.decisions.narrative.checks import check
from reports.decisions.narrative.draft import TextRefusedError, read_draft
from reports.decisions.narrative.filling import parts_of
from reports.decisions.narrative.plain import narrative_of, plain_paragraphs
from reports.decisions.narrative.slots import slots_of
from reports.narration import narrate, narrate_plainly
from tests.reports.narration.world import NOW, OLLAMA, MemoryLedger, document, draft
from tests.servers import receiving

REPORT = document()
BOOK = slots_of(REPORT)
FIGURES = {slot.text for slot in BOOK.slots.values()}
NUMBER = re.compile(r"[^\W_]*\d[\d.,'’ ]*\d|\d")

FRAGMENTS = (
    *(f"{{{{{key}}}}}" for key in BOOK.slots),
    "Revenue", "Click rate", "rose", "fell", "by", "to", "from", "the", "of", "was", "and", "in", "Orders", "Visits",
    "unchanged", "at", "with", ".", ",", "-", "–", "(", ")", "%", "million", "two", "half", "twice", "II", "1", "1,000",
    "٣", "½", "²", "x", "k", "not", "more than", "point", "{{", "}}", "{", "“", "”", "'s", "\u202e", "\u200b", "é",
)  # fmt: skip
pieces = st.lists(st.tuples(st.sampled_from(FRAGMENTS) | st.text(max_size=6), st.sampled_from(["", " "])), max_size=14)
texts = pieces.map(lambda found: "".join(word + gap for word, gap in found))
sound = st.sampled_from(
    [
        "Revenue rose by {{s1.revenue.by}} to {{s1.revenue.value}}.",
        "{{s1.r1.offer}} made {{s1.r1.revenue}} of the revenue.",
        "Click rate fell ({{s1.ctr.change}}).",
    ]
)
parts = st.one_of(texts, sound, st.tuples(sound, texts).map(" ".join))
answers = st.builds(
    lambda summary, first, second, takeaways: {
        "executiveSummary": summary,
        "sections": [{"id": "s1", "paragraph": first}, {"id": "s2", "paragraph": second}],
        "takeaways": takeaways,
    },
    parts, sound, sound, st.lists(sound, min_size=3, max_size=5),
)  # fmt: skip


def tell(report: Document, answer: Mapping[str, Any]) -> Narrative:
    """Tell a report as `narrate` does, without a server in between."""
    book = slots_of(report)
    try:
        read = read_draft(json.dumps(answer), book.handles)
        check(read, book)
    except TextRefusedError as error:
        return narrate_plainly(report, reason=error.reason)
    return narrative_of(plain_paragraphs(report) | parts_of(read, book), report, NarrativeSource.LLM)


def texts_of(narrative: Narrative) -> dict[str, str]:
    """Return every text by the name that traces give it."""
    return {
        "executiveSummary": narrative.executive_summary,
        **{f"sections.{name}": text for name, text in narrative.paragraphs.items()},
        **{f"takeaways.{number}": text for number, text in enumerate(narrative.takeaways)},
    }


def assert_every_digit_is_the_datas(narrative: Narrative) -> None:
    """Check by the texts alone that what is no figure of the data holds nothing numeric, and that none are joined."""
    for part, text in texts_of(narrative).items():
        spans = [(t.start, t.start + len(t.text), t.text) for t in narrative.traces if t.part == part]
        assert all(text[start:end] == figure and figure in FIGURES for start, end, figure in spans)
        inside = {place for start, end, _ in spans for place in range(start, end)}
        rest = "".join(character for place, character in enumerate(text) if place not in inside)
        assert [character for character in rest if unicodedata.numeric(character, None) is not None] == []
        for number in NUMBER.finditer(text):
            assert any(start <= number.start() and number.end() <= end for start, end, _ in spans), number[0]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(answers)
def test_every_digit_of_a_narrative_is_the_datas(answer: dict[str, Any]) -> None:
    narrative = tell(REPORT, answer)

    event(narrative.source.value)
    if narrative.source is NarrativeSource.LLM:
        assert_every_digit_is_the_datas(narrative)
    else:
        assert narrative.executive_summary == narrate_plainly(REPORT).executive_summary
        assert narrative.reason


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(answers.map(json.dumps) | texts, min_size=2, max_size=2))
def test_every_digit_is_the_datas_through_a_server_as_well(said: list[str]) -> None:
    left = list(said)
    with receiving(lambda got: OLLAMA.reply(left.pop(0))) as receiver:
        narrative = narrate(REPORT, ai=OLLAMA.settings(receiver), ledger=MemoryLedger(), now=NOW, seconds=30)

    if narrative.source is NarrativeSource.LLM:
        assert_every_digit_is_the_datas(narrative)
    else:
        assert narrative.takeaways == narrate_plainly(REPORT).takeaways


def test_the_check_of_this_file_can_fail() -> None:
    narrative = tell(REPORT, draft())
    assert_every_digit_is_the_datas(narrative)

    for false in ("Revenue was 99.", "It was ½.", "“Summer sale” made 4,000.50 00 of revenue out of 1,200 clicks."):
        summary = {**narrative.paragraphs, "offers": false}
        wrong = Narrative(narrative.source, narrative.executive_summary, summary, narrative.takeaways)
        try:
            assert_every_digit_is_the_datas(wrong)
        except AssertionError:
            continue
        raise AssertionError(f"not found: {false}")
