"""Numbers smuggled past the slots, in every part of a text: spelt, dressed up, hidden, joined, hinted at."""

import json
from typing import Any

import pytest

from reports.decisions.narrative.checks import check
from reports.decisions.narrative.draft import TextRefusedError, read_draft
from reports.decisions.narrative.slots import slots_of
from tests.reports.narration.world import document, draft

BOOK = slots_of(document())

DISGUISES = (
    # digits of all kinds
    "Revenue was 7 in the period.",
    "Revenue was 1.234,50 in the period.",
    "Revenue was ７ in the period.",
    "Revenue was ৭ in the period.",
    "Revenue was ໗ in the period.",
    "Revenue was ༧ in the period.",
    "Revenue was 七 in the period.",
    "Revenue was 七千 in the period.",
    "Revenue was 𝟕 in the period.",
    "Revenue was ⁷ in the period.",
    "Revenue was ₇ in the period.",
    "Revenue was ⑦ in the period.",
    "Revenue was ❼ in the period.",
    "Revenue was ⅞ of the plan.",
    "Revenue was 7️⃣ in the period.",
    "Revenue was 0x1F in the period.",
    "Revenue was Ⅶ in the period.",
    # numbers in words
    "Revenue was seven in the period.",
    "Revenue was SEVEN in the period.",
    "Revenue was sev\u00e9n in the period.",
    "Revenue was sévèn in the period.",
    "Revenue was seventy-seven in the period.",
    "Revenue was seventyseven in the period.",
    "Revenue was a hundred-odd in the period.",
    "Revenue was in the thousands in the period.",
    "Revenue was a dozen in the period.",
    "Revenue was a couple in the period.",
    "Revenue was nil in the period.",
    "Revenue was zilch in the period.",
    "There was no Revenue in the period.",
    "Neither offer made any Revenue in the period.",
    "Both offers made some Revenue in the period.",
    "Revenue was a fifth of the plan.",
    "Revenue was two-thirds of the plan.",
    "Revenue was half of the plan.",
    "Revenue was a quarter of the plan.",
    "Revenue was the majority of the plan.",
    "Revenue was twice the plan.",
    "Revenue was threefold in the period.",
    "Revenue doubled in the period.",
    "Revenue was doubling in the period.",
    "Revenue was the triple of the plan.",
    "Revenue was many times the plan.",
    "Revenue was an order of magnitude away from the plan.",
    "Revenue came first in the period.",
    "Revenue came second to clicks in the period.",
    "Revenue was ten percent of the plan.",
    "Revenue was a few percentage points away from the plan.",
    "Revenue was XIV in the period.",
    "Revenue was xiv in the period.",
    "Revenue was M in the period.",
    "Revenue was l,OOO in the period.",
    "Revenue was OOO in the period.",
    "Revenue was sieben in the period.",
    "Revenue was quatre in the period.",
    "Revenue was cinco in the period.",
    # figures of the data made into others
    "Revenue was {{s1.revenue.value}}0 in the period.",
    "Revenue was 1{{s1.revenue.value}} in the period.",
    "Revenue was {{s1.revenue.value}}k in the period.",
    "Revenue was {{s1.revenue.value}} k in the period.",
    "Revenue was {{s1.revenue.value}} million in the period.",
    "Revenue was {{s1.revenue.value}} bn in the period.",
    "Revenue was {{s1.revenue.value}}% in the period.",
    "Revenue was {{s1.revenue.value}} pc in the period.",
    "Revenue was {{s1.revenue.value}} dollars in the period.",
    "Revenue was €{{s1.revenue.value}} in the period.",
    "Revenue was -{{s1.revenue.value}} in the period.",
    "Revenue was – {{s1.revenue.value}} in the period.",
    "Revenue was minus {{s1.revenue.value}} in the period.",
    "Revenue was negative {{s1.revenue.value}} in the period.",
    "Revenue was {{s1.revenue.value}}-fold in the period.",
    "Revenue was {{s1.revenue.value}} times that in the period.",
    "Revenue was over {{s1.revenue.value}} in the period.",
    "Revenue was almost {{s1.revenue.value}} in the period.",
    "Revenue was less than {{s1.revenue.value}} in the period.",
    "Revenue exceeded {{s1.revenue.value}} in the period.",
    "Revenue was {{s1.revenue.value}}.{{s1.revenue.value}} in the period.",
    "Revenue was {{s1.revenue.value}} point {{s1.revenue.value}} in the period.",
    "Revenue was {{s1.revenue.value}} {{s1.revenue.value}} in the period.",
    "Revenue was {{s1.revenue.value}} to the {{s1.revenue.value}} in the period.",
    "Revenue was {{s1.revenue.value}} or so in the period.",
    "Revenue averaged {{s1.revenue.value}} in the period.",
    "Revenue was {{s1.revenue.value}} per week in the period.",
    # what is not to be seen
    "Revenue was se\u200bven in the period.",
    "Revenue was se\u00adven in the period.",
    "Revenue was \u202eneves\u202c in the period.",
    "Revenue was sеven in the period.",
    "Revenue was \U000e0037 in the period.",
    "Revenue was <b>great</b> in the period.",
    "Revenue was &#55; in the period.",
    "Revenue was `seven` in the period.",
    "Revenue was {{s1.revenue.value}} {# comment #} in the period.",
    "Revenue was {{ 3 + 4 }} in the period.",
    "Revenue was {{s1.revenue.value|floatformat}} in the period.",
    "Revenue was {{s1.__class__}} in the period.",
    "Revenue was {{}} in the period.",
    "Revenue was ${s1.revenue.value} in the period.",
    "Revenue was %(value)s in the period.",
)


def with_text(part: str, text: str) -> dict[str, Any]:
    """Return an answer that is sound but for one part."""
    sound = draft()
    if part == "summary":
        return {**sound, "executiveSummary": text}
    if part == "section":
        return {**sound, "sections": [sound["sections"][0], {"id": "s2", "paragraph": text}]}
    return {**sound, "takeaways": [*sound["takeaways"][:2], text]}


def reason(answer: dict[str, Any]) -> str:
    """Return why an answer is refused, empty when it is not."""
    try:
        check(read_draft(json.dumps(answer), BOOK.handles), BOOK)
    except TextRefusedError as error:
        return error.reason
    return ""


@pytest.mark.parametrize("text", DISGUISES)
def test_a_number_in_disguise_is_found_in_every_part(text: str) -> None:
    reasons = {part: reason(with_text(part, text)) for part in ("summary", "section", "takeaway")}

    assert reasons["summary"].startswith("the summary ")
    assert reasons["section"].startswith("section s2 ")
    assert reasons["takeaway"].startswith("takeaway 3 ")


@pytest.mark.parametrize("text", DISGUISES)
def test_a_disguise_behind_a_sound_sentence_is_found(text: str) -> None:
    assert reason(with_text("summary", f"Revenue rose by {{{{s1.revenue.by}}}}. {text}")) != ""
    assert reason(with_text("summary", f"{text} Revenue rose by {{{{s1.revenue.by}}}}.")) != ""


def test_the_sentence_that_carries_the_disguises_is_sound_itself() -> None:
    assert reason(with_text("summary", "Revenue was {{s1.revenue.value}} in the period.")) == ""
    assert reason(draft()) == ""


@pytest.mark.parametrize("text", DISGUISES)
def test_a_reason_is_one_short_printable_line(text: str) -> None:
    told = reason(with_text("takeaway", text))

    assert told.isprintable()
    assert len(told) < 200
