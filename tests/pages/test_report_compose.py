"""Compose: sections are added, moved, exchanged and removed without losing what was typed."""

from typing import Any

import pytest
from django.http import QueryDict

from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import ReportDefinition, SectionWish, SourceCall
from reports.forms.blocks import MOST_BLOCKS, TypedBlock, act_on, kept_blocks, typed_blocks, unshown_sources
from reports.forms.composing import BlockForm, Composition
from reports.sources import SourceInfo, source_list
from tests.pages.report_world import HTMX, typed
from tests.people import Person

COMPOSE = "/settings/reports/compose"
SOURCES = [
    SourceInfo(
        "wide", "Wide", "All kinds.",
        {
            "properties": {
                "days": {"type": "integer", "minimum": 1, "maximum": 365, "default": 7},
                "share": {"type": "number"}, "isOn": {"type": "boolean", "default": True},
                "tags": {"type": "array", "items": {"type": "string"}},
                "way": {"enum": ["up", "down"], "type": "string"}, "offerId": {"type": "string"},
            },
        },
        {"days": 7, "isOn": True},
    ),
    SourceInfo("strict", "Strict", "", {"properties": {"offerId": {"type": "string"}}, "required": ["offerId"]}),
    SourceInfo("bare", "Bare", ""),
]  # fmt: skip


def posted(**values: Any) -> QueryDict:
    """Return a form as Django reads it."""
    data = QueryDict(mutable=True)
    for name, value in values.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data


def one(**params: str) -> QueryDict:
    """Return a post with one section of the wide source."""
    named = {f"block-1-param-{name}": value for name, value in params.items()}
    return posted(block=["1"], **{"block-1-key": "wide", "block-1-was": "wide"}, **named)


def blocks(*tokens: int) -> list[TypedBlock]:
    return [TypedBlock(token, "bare") for token in tokens]


@pytest.mark.parametrize(
    ("act", "tokens"),
    [
        ("add", [1, 2, 3, 4]), ("remove:2", [1, 3]), ("up:3", [1, 3, 2]), ("down:1", [2, 1, 3]), ("up:1", [1, 2, 3]),
        ("down:3", [1, 2, 3]), ("up:9", [1, 2, 3]), ("change:2", [1, 2, 3]), ("", [1, 2, 3]), ("up:x", [1, 2, 3]),
        ("explode:1", [1, 2, 3]), ("remove:2;remove:1", [1, 2, 3]),
    ],
)  # fmt: skip
def test_a_button_does_one_thing_and_nonsense_does_nothing(act: str, tokens: list[int]) -> None:
    assert [each.token for each in act_on(blocks(1, 2, 3), act)] == tokens


def test_a_token_is_not_used_twice() -> None:
    assert [each.token for each in act_on(blocks(7, 2), "add")] == [7, 2, 8]


def test_there_is_a_most_of_sections() -> None:
    full = blocks(*range(1, MOST_BLOCKS + 1))

    assert len(act_on(full, "add")) == MOST_BLOCKS


def test_another_source_drops_the_title_of_the_one_before() -> None:
    assert act_on([TypedBlock(1, "wide", title="Old")], "change:1")[0].title == ""


def test_blocks_are_read_in_the_order_of_the_page_and_nonsense_is_left_out() -> None:
    post = posted(block=["2", "x", "1", "2", "99999", "-1"], **{"block-2-key": "wide", "block-1-key": "bare"})

    found = typed_blocks(post)

    assert [(each.token, each.key) for each in found] == [(2, "wide"), (1, "bare")]


def test_params_are_typed_values_and_empty_ones_are_left_to_the_source() -> None:
    post = one(days="30", share="0.5", isOn="on", tags=" a \r\n\r\nb", way="up", offerId="")

    composition = Composition.of_post(post, SOURCES)

    assert composition.is_valid()
    assert composition.values() == {
        "data_sources": [
            {"sourceKey": "wide", "params": {"days": 30, "share": 0.5, "isOn": True, "tags": ["a", "b"], "way": "up"}}
        ],
        "sections": [],
    }


def test_a_switch_that_is_not_sent_is_off_and_that_is_kept() -> None:
    assert Composition.of_post(one(days="7"), SOURCES).values()["data_sources"][0]["params"]["isOn"] is False


def test_what_does_not_fit_stays_as_typed_so_that_the_source_can_say_so() -> None:
    composition = Composition.of_post(one(days="many", way="sideways"), SOURCES)

    assert not composition.is_valid()
    assert {bound.name for bound in composition.wrong()} == {"param-days", "param-way"}
    assert composition.values()["data_sources"][0]["params"]["days"] == "many"


@pytest.mark.parametrize(
    ("name", "typed_text", "value"),
    [
        ("days", "0", 0), ("days", "-5", -5), ("days", "many", "many"), ("days", "9" * 30, "9" * 30),
        ("days", "1.5", "1.5"), ("share", "x", "x"),
    ],
)  # fmt: skip
def test_a_number_out_of_bounds_reaches_its_source_as_a_number(name: str, typed_text: str, value: Any) -> None:
    composition = Composition.of_post(one(**{name: typed_text}), SOURCES)

    assert composition.values()["data_sources"][0]["params"][name] == value


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"block-1-key": "strict"}, {"param-offerId"}),
        ({"block-1-title": "x" * 121}, {"title"}), ({"block-1-title": "a\u202eb"}, {"title"}),
        ({"block-1-param-days": "0"}, {"param-days"}), ({"block-1-param-days": "366"}, {"param-days"}),
        ({"block-1-param-offerId": "a\x07b"}, {"param-offerId"}),
    ],
    ids=["required", "long-title", "title", "too-few", "too-many", "text"],
)  # fmt: skip
def test_what_is_wrong_is_wrong_beside_its_field(values: dict[str, str], wrong: set[str]) -> None:
    post = one(days="7")
    for name, value in values.items():
        post[name] = value

    composition = Composition.of_post(post, SOURCES)

    assert not composition.is_valid()
    assert {bound.name for bound in composition.wrong()} == wrong


def test_a_source_that_left_can_still_be_shown() -> None:
    form = BlockForm(TypedBlock(1, "gone"), {each.key: each for each in SOURCES})

    assert ("gone", "gone (nothing provides it)") in list(form["key"].field.choices)  # type: ignore[attr-defined]
    assert form.heading == "gone"


def test_a_report_without_a_source_is_refused() -> None:
    composition = Composition.of_post(posted(), SOURCES)

    assert not composition.is_valid()
    assert "Add a source" in composition.error


def test_titles_make_sections_and_ids_stay_with_them() -> None:
    post = posted(
        block=["1", "2", "3"],
        **{
            "block-1-key": "bare", "block-1-title": "Mine", "block-2-key": "bare", "block-2-id": "s1",
            "block-3-key": "bare",
        },
    )  # fmt: skip

    sections = Composition.of_post(post, SOURCES).values()["sections"]

    assert [(each["id"], each["title"], each["dataSourceIndex"]) for each in sections] == [
        ("s2", "Mine", 0), ("s1", "Bare", 1), ("s3", "Bare", 2),
    ]  # fmt: skip


def test_a_refusal_stands_beside_what_it_names() -> None:
    composition = Composition.of_post(one(days="7"), SOURCES)
    composition.is_valid()

    left = composition.add_errors(
        {
            "dataSources[0].params.days": ["Too many."], "dataSources[0].sourceKey": ["Gone."],
            "sections[0].title": ["Bad."], "dataSources[5].sourceKey": ["Nowhere."], "formats": ["None."],
        }
    )  # fmt: skip

    form = composition.forms[0]
    assert form.errors == {"param-days": ["Too many."], "key": ["Gone."], "title": ["Bad."]}
    assert set(left) == {"dataSources[5].sourceKey", "formats"}


def test_a_kept_report_has_a_block_for_each_section() -> None:
    calls = (SourceCall("wide", {"days": 3}), SourceCall("bare"), SourceCall("strict"))
    wishes = (SectionWish("b", "Second", 1), SectionWish("a", "First", 0), SectionWish("x", "None", 9))
    definition = ReportDefinition("R", data_sources=calls, sections=wishes)

    found = kept_blocks(definition)

    assert [(each.token, each.key, each.title, each.section_id) for each in found] == [
        (1, "bare", "Second", "b"), (2, "wide", "First", "a"),
    ]  # fmt: skip
    assert unshown_sources(definition) == 1
    assert [each.key for each in kept_blocks(ReportDefinition("R", data_sources=calls))] == ["wide", "bare", "strict"]
    assert unshown_sources(ReportDefinition("R", data_sources=calls)) == 0


def test_a_kept_block_shows_its_params_and_defaults_for_the_others() -> None:
    block = TypedBlock(1, "wide", params={"days": 3, "tags": ["a", "b"], "isOn": False}, was="wide")

    form = BlockForm(block, {each.key: each for each in SOURCES})

    assert form["param-days"].value() == 3
    assert form["param-tags"].value() == "a\nb"
    assert form["param-isOn"].value() is False
    assert form.heading == "Wide (3 days)"
    assert form.is_narrowed
    assert [bound.name for bound in form.main_fields()] == ["param-days", "param-isOn"]


def test_a_new_block_shows_the_defaults_of_its_source() -> None:
    form = BlockForm(TypedBlock(1, "wide"), {each.key: each for each in SOURCES})

    assert (form["param-days"].value(), form["param-isOn"].value()) == (7, True)
    assert not form.is_narrowed


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("act", "focus"),
    [("add", 'id="block-2-key"'), ("remove:1", 'id="compose-add"'), ("down:1", ""), ("change:1", "")],
)
def test_the_fragment_says_where_the_keyboard_goes_on_and_that_something_changed(
    act: str, focus: str, acme: Tenant, eve: Person
) -> None:
    answer = eve.browser().post(COMPOSE, {**typed(), "act": act}, headers=HTMX)

    text = answer.content.decode()
    marked = next((line for line in text.splitlines() if "autofocus" in line), "")
    assert answer["HX-Trigger"] == "k-composed"
    assert "<html" not in text
    assert focus in marked
    assert bool(marked) is bool(focus)


@pytest.mark.django_db
def test_what_was_typed_stays_when_a_section_is_added(acme: Tenant, eve: Person) -> None:
    post = typed(**{"block-1-title": "Typed title", "block-1-param-days": "33", "act": "add"})

    text = eve.browser().post(COMPOSE, post, headers=HTMX).content.decode()

    assert "Typed title" in text
    assert 'value="33"' in text


@pytest.mark.django_db
def test_a_viewer_composes_nothing(acme: Tenant, bob: Person) -> None:
    assert bob.browser().post(COMPOSE, typed(), headers=HTMX).status_code == 403


@pytest.mark.parametrize("key", [each.key for each in source_list()])
def test_the_defaults_of_every_source_are_sound_where_it_needs_nothing(key: str) -> None:
    source = next(each for each in source_list() if each.key == key)
    form = BlockForm(TypedBlock(1, key), {key: source})
    shown = {bound.html_name: bound.value() for bound in form if bound.value() not in (None, False)}

    composition = Composition.of_post(posted(block=["1"], **shown), [source])
    needed = set(source.params_schema.get("required", ()))

    composition.is_valid()
    assert {bound.name for bound in composition.wrong()} == {f"param-{name}" for name in needed}
