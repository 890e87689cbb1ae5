"""The controls of a source's params, as its JSON Schema describes them."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from reports.decisions.param_fields import ParamField, ParamKind, read_param_fields
from reports.sources import source_list


class Wide(BaseModel):
    """One field of each kind, as sources write them."""

    model_config = ConfigDict(alias_generator=to_camel)

    days: Annotated[int, Field(ge=1, le=365)] = Field(7, description="Calendar days.")
    window_hours: Annotated[int, Field(ge=1, le=168)] | None = None
    least_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    offer_id: Annotated[str, Field(min_length=1, max_length=255)]
    group_by: Literal["offer", "channel"] | None = None
    is_wide: bool = False
    tags: list[str] = []
    least: Annotated[int, Field(gt=0, lt=10)] = 3


def fields(**defaults: Any) -> dict[str, ParamField]:
    return {each.name: each for each in read_param_fields(Wide.model_json_schema(), defaults)}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("days", ParamKind.INTEGER), ("windowHours", ParamKind.INTEGER), ("leastShare", ParamKind.NUMBER),
        ("offerId", ParamKind.TEXT), ("groupBy", ParamKind.CHOICE), ("isWide", ParamKind.YES_NO),
        ("tags", ParamKind.LINES), ("least", ParamKind.INTEGER),
    ],
)  # fmt: skip
def test_each_type_has_its_control(name: str, kind: ParamKind) -> None:
    assert fields()[name].kind is kind


def test_fields_stand_in_the_order_of_the_schema() -> None:
    assert list(fields()) == [
        "days", "windowHours", "leastShare", "offerId", "groupBy", "isWide", "tags", "least",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("days", (1, 365)),
        ("windowHours", (1, 168)),
        ("least", (1, 9)),
        ("leastShare", (0, 1)),
        ("offerId", (None, None)),
    ],
)  # fmt: skip
def test_bounds_are_those_of_the_schema_exclusive_ones_moved_inside_for_whole_numbers(
    name: str, bounds: tuple[float | None, float | None]
) -> None:
    field = fields()[name]

    assert (field.minimum, field.maximum) == bounds


def test_what_must_be_given_is_required_and_has_no_default() -> None:
    found = fields()

    assert [name for name, field in found.items() if field.is_required] == ["offerId"]
    assert found["offerId"].default is None
    assert found["offerId"].max_length == 255


def test_defaults_of_the_source_go_before_those_of_the_schema() -> None:
    assert fields()["days"].default == 7
    assert fields(days=30)["days"].default == 30


def test_choices_are_the_words_of_the_schema() -> None:
    assert fields()["groupBy"].choices == ("offer", "channel")


@pytest.mark.parametrize(
    ("entry", "label"),
    [
        ({"title": "Days"}, "Days"), ({"title": "Basedays"}, "Base days"), ({"title": "Base Days"}, "Base days"),
        ({}, "Base days"), ({"title": "How far back"}, "How far back"),
    ],
    ids=["another-word", "of-an-alias", "of-a-name", "none", "a-persons"],
)  # fmt: skip
def test_a_label_reads_as_words_unless_somebody_wrote_one(entry: dict[str, Any], label: str) -> None:
    schema = {"properties": {"baseDays": {"type": "integer", **entry}}}

    assert read_param_fields(schema)[0].label == label


def test_a_choice_that_is_referred_to_is_found() -> None:
    schema = {
        "$defs": {"Way": {"enum": ["up", "down"], "type": "string"}},
        "properties": {"way": {"anyOf": [{"$ref": "#/$defs/Way"}, {"type": "null"}], "default": None}},
    }

    assert read_param_fields(schema)[0].choices == ("up", "down")


def test_a_reference_that_leads_nowhere_is_a_text() -> None:
    schema = {"properties": {"way": {"$ref": "#/$defs/Gone"}}}

    assert read_param_fields(schema)[0].kind is ParamKind.TEXT


def test_a_schema_without_properties_has_no_fields() -> None:
    assert read_param_fields({}) == []


@pytest.mark.parametrize("key", [each.key for each in source_list()])
def test_every_source_has_a_control_for_each_of_its_params(key: str) -> None:
    source = next(each for each in source_list() if each.key == key)

    found = read_param_fields(source.params_schema, source.defaults)

    assert {each.name for each in found} == set(source.params_schema.get("properties", {}))
    assert all(each.label for each in found)
    assert {each.name: each.default for each in found if each.default is not None} == source.defaults
