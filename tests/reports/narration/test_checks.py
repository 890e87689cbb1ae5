"""Which texts may be used: each row is a text that is fine but for one thing."""

import pytest

from reports.decisions.document import Figure, Unit
from reports.decisions.narrative.checks import check, refusal
from reports.decisions.narrative.draft import Draft, TextRefusedError
from reports.decisions.narrative.slots import slots_of
from tests.reports.narration.world import document, offers

BOOK = slots_of(document())


@pytest.mark.parametrize(
    "text",
    [
        "Revenue rose by {{s1.revenue.by}} to {{s1.revenue.value}}, from {{s1.revenue.before}}.",
        "Revenue was {{s1.revenue.value}} ({{s1.revenue.change}}).",
        "Revenue ({{s1.revenue.value}}) was up on the period before.",
        "Click rate fell to {{s1.ctr.value}}, while Revenue rose to {{s1.revenue.value}}.",
        "Revenue rose by {{s1.revenue.by}} and Click rate fell by {{s1.ctr.by}}.",
        "Visits were unchanged at {{s1.visits.value}}; Orders rose from {{s1.orders.before}} to {{s1.orders.value}}.",
        "The revenue of {{s1.r1.offer}} was {{s1.r1.revenue}}, and {{s1.r2.offer}} made {{s1.r2.revenue}}.",
        "{{s1.r1.offer}}, {{s1.r2.offer}} and {{s1.r3.offer}} are the offers of {{s1.title}}.",
        "{{ s1.revenue.value }} is the Revenue of {{tenant}}.",
        "The report {{report}} covers {{period}} with {{s2.rows}} days.",
        "{{tenant}}’s Revenue was {{s1.revenue.value}}’s worth of sales.",
        "{{s1.r1.offer}}'s clicks, at {{s1.r1.clicks}}, lead the table; it isn't close.",
        "Was Revenue of {{s1.revenue.value}} a surprise? It was made up of sales.",
        "Quarterly plans, a café and “quoted” words – even a dash … are prose & fine.",
        "On {{s2.r1.day}} the revenue was {{s2.r1.revenue}} and on {{s2.r2.day}} it was {{s2.r2.revenue}}.",
    ],
)
def test_a_sound_text_may_be_used(text: str) -> None:
    assert refusal(text, BOOK) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Revenue was 12345.", "“1”"),
        ("Revenue was ١٢٣.", "“١”"),
        ("Revenue was १२.", "“१”"),
        ("Revenue was １２.", "“１”"),
        ("Revenue was 三 in all.", "“三”"),
        ("Revenue was ⅔ of it.", "“⅔”"),
        ("Revenue was x² of it.", "“²”"),
        ("Revenue was ⑦ of it.", "“⑦”"),
        ("Revenue was Ⅻ of it.", "“Ⅻ”"),
        ("Revenue was 𝟗 of it.", "“𝟗”"),
        ("Revenue was {{s1.revenue.value}}%.", "“%”"),
        ("Revenue was {{s1.revenue.value}} ‰.", "“‰”"),
        ("Revenue was € {{s1.revenue.value}}.", "“€”"),
        ("Revenue was {{s1.revenue.value}} $.", "“$”"),
        ("Revenue was ~ {{s1.revenue.value}}.", "“~”"),
        ("Revenue was {{s1.revenue.value}} × that.", "“×”"),
        ("Revenue was −{{s1.revenue.value}}.", "“−”"),
        ("Revenue was {{s1.revenue.value}}!", "“!”"),
        ("Revenue was <b>{{s1.revenue.value}}</b>.", "“<”"),
        ("Revenue was [here](there).", "“[”"),
        ("Revenue was **good**.", "“*”"),
        ("Revenue was \u202eesrever\u202c.", "“\\u202e”"),
        ("Revenue was \u200bhidden.", "“\\u200b”"),
        ("Revenue dоubled.", "“о”"),  # a Cyrillic letter
        ("Revenue was {s1.revenue.value}.", "“{”"),
        ("Revenue was {{s1.revenue.value}.", "“{”"),
        ("Revenue was {{{s1.revenue.value}}}.", "“{”"),
        ("Revenue was {{s1 revenue}}.", "“{”"),
        ("See www of ours.", "address"),
        ("Visit evil.example now.", "address"),
        ("Revenue was {{s1.profit.value}}.", "slot “s1.profit.value”"),
        ("Revenue was {{s9.revenue.value}}.", "slot “s9.revenue.value”"),
        ("Latency is {{s1.r3.ctr}}.", "slot “s1.r3.ctr”"),
        ("Der Umsatz ist in dieser Woche sehr stark auf {{s1.revenue.value}} gestiegen.", "not English"),
        ("Le chiffre du magasin est fort joli cette semaine et surtout hier soir.", "not English"),
    ],
)
def test_a_sign_or_a_slot_that_is_not_in_the_data_refuses_the_text(text: str, reason: str) -> None:
    assert reason in refusal(text, BOOK)


@pytest.mark.parametrize(
    "text",
    [
        "Revenue was {{s1.revenue.value}}{{s1.orders.value}}.",
        "Revenue was {{s1.revenue.value}} {{s1.orders.value}}.",
        "Revenue was {{s1.revenue.value}},{{s1.orders.value}}.",
        "Revenue was {{s1.revenue.value}}.{{s1.orders.value}} in all.",
        "Revenue was {{s1.revenue.value}}, {{s1.orders.value}} in all.",
        "Revenue was {{s1.revenue.value}} point {{s1.orders.value}}.",
        "Revenue was {{s1.revenue.value}}k.",
        "Revenue was k{{s1.revenue.value}}.",
        "Revenue was {{s1.revenue.value}}-fold.",
        "Revenue was -{{s1.revenue.value}}.",
        "Revenue was - {{s1.revenue.value}}.",
        "Revenue was –{{s1.revenue.value}}.",
        "Revenue was .{{s1.revenue.value}}.",
        "Revenue was “{{s1.revenue.value}}”.",
        "Revenue was more than {{s1.revenue.value}}.",
        "Revenue was nearly {{s1.revenue.value}}.",
        "Revenue went up to {{s1.revenue.value}}.",
        "Revenue was at least {{s1.revenue.value}}.",
        "Revenue was not {{s1.revenue.value}}.",
        "Revenue was over ({{s1.revenue.value}}).",
        "Revenue was {{s1.revenue.value}} times that.",
        "Revenue was {{s1.revenue.value}} or more.",
        "{{s1.r1.offer}}{{s1.r2.offer}} are offers.",
        "{{s1.r1.offer}}s are offers.",
    ],
)
def test_a_slot_that_reads_as_another_number_refuses_the_text(text: str) -> None:
    assert any(word in refusal(text, BOOK) for word in ("places", "runs", "counts by itself"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{s1.r1.offer}} made {{s1.r2.revenue}}.", "beside the name of another row"),
        ("{{s1.r1.offer}}, with {{s1.r2.revenue}}, is in front.", "beside the name of another row"),
        ("On {{s2.r1.day}} the revenue was {{s2.r3.revenue}}.", "beside the name of another row"),
        ("Click rate was {{s1.revenue.value}}.", "as Click rate, but it is Revenue"),
        ("Orders, at {{s1.revenue.value}}, lead.", "as Orders, but it is Revenue"),
    ],
)
def test_a_figure_under_another_name_refuses_the_text(text: str, reason: str) -> None:
    assert reason in refusal(text, BOOK)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Revenue fell by {{s1.revenue.by}}.", "“fell” beside {{s1.revenue.by}}, which rose"),
        ("Click rate rose to {{s1.ctr.value}}.", "“rose” beside {{s1.ctr.value}}, which fell"),
        ("Visits rose to {{s1.visits.value}}.", "which did not change"),
        ("Revenue was unchanged at {{s1.revenue.value}}.", "which rose"),
        ("Revenue was stable ({{s1.revenue.change}}).", "which rose"),
        ("Revenue rose by {{s1.revenue.by}} and Click rate climbed by {{s1.ctr.by}}.", "“climbed”"),
        ("Revenue {{s1.revenue.by}} and Click rate {{s1.ctr.by}} fell.", "wrong direction"),
        ("Revenue rose.", "“rose” without a figure"),
        ("Revenue rose and the table has {{s1.rows}} rows.", "“rose” without a figure"),
        ("Revenue is {{s1.revenue.value}}. It is up.", "“up” without a figure"),
        ("Revenue went by {{s1.revenue.by}}.", "without saying whether it rose or fell"),
        ("Revenue did not rise to {{s1.revenue.value}}.", "turns a direction around: “not”"),
        ("Revenue didn't rise to {{s1.revenue.value}}.", "turns a direction around"),
        ("Revenue could rise to {{s1.revenue.value}}.", "turns a direction around: “could”"),
        ("Revenue improved to {{s1.revenue.value}}.", "judges where the data do not: “improved”"),
        ("Revenue of {{s1.revenue.value}} is better.", "judges where the data do not: “better”"),
    ],
)
def test_a_direction_that_the_data_do_not_bear_out_refuses_the_text(text: str, reason: str) -> None:
    assert reason in refusal(text, BOOK)


def test_the_reason_names_the_part() -> None:
    sound = "Revenue was {{s1.revenue.value}}."
    draft = Draft(sound, {"s1": sound, "s2": sound}, (sound, sound, "Revenue was twice that."))

    with pytest.raises(TextRefusedError) as refused:
        check(draft, BOOK)

    assert refused.value.reason == "takeaway 3 counts by itself: “twice”"


def test_a_slight_change_may_be_called_steady() -> None:
    slight = Figure("revenue", "Revenue", 1004, Unit.COUNT, 1000)
    book = slots_of(document(offers(figures=(slight,))))

    assert refusal("Revenue was stable at {{s1.revenue.value}}.", book) == ""
    assert refusal("Revenue rose by {{s1.revenue.by}}.", book) == ""
    assert refusal("Revenue fell by {{s1.revenue.by}}.", book) != ""


def test_a_label_inside_of_a_longer_one_is_told_from_it() -> None:
    figures = (Figure("revenue", "Revenue", 10, Unit.COUNT), Figure("each", "Revenue per click", 2, Unit.COUNT))
    book = slots_of(document(offers(figures=figures)))

    assert refusal("Revenue was {{s1.revenue.value}} in all.", book) == ""
    assert refusal("Revenue per click was {{s1.each.value}} in all.", book) == ""
    assert "as Revenue per click, but it is Revenue" in refusal("Revenue per click was {{s1.revenue.value}}.", book)
    assert "as Revenue, but it is Revenue per click" in refusal("Revenue was {{s1.each.value}}.", book)
