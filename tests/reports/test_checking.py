"""What cannot be in a definition: one deviation a row, each under the path of its field."""

import uuid
from typing import Any

import pytest

from reports.decisions.checking import (
    TWICE,
    UNKNOWN_DESTINATION,
    check_changes,
    check_definition,
    check_destinations,
    check_formats,
    in_one_sentence,
)
from tests.reports.keeping import FUNNEL, TREND, section

KEYS = frozenset({"funnel", "daily_trend"})
SOUND: dict[str, Any] = {
    "data_sources": [FUNNEL, TREND], "sections": [section("s1"), section("s2", 1)], "formats": ["pdf", "csv"],
}  # fmt: skip


def test_a_sound_definition_has_no_errors() -> None:
    assert check_definition(SOUND, source_keys=KEYS) == {}


def test_a_definition_without_anything_is_sound() -> None:
    assert check_definition({}, source_keys=KEYS) == {}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        pytest.param({"data_sources": [{"sourceKey": "moon", "params": {}}, TREND]}, ["dataSources[0].sourceKey"],
                     id="an unknown source"),
        pytest.param({"data_sources": [FUNNEL, {"sourceKey": "", "params": {}}]}, ["dataSources[1].sourceKey"],
                     id="a source without a key"),
        pytest.param({"data_sources": [{"sourceKey": "Funnel", "params": {}}, TREND]}, ["dataSources[0].sourceKey"],
                     id="a source in capitals"),
        pytest.param({"data_sources": [FUNNEL]}, ["sections[1].dataSourceIndex"], id="a section beyond the sources"),
        pytest.param({"data_sources": []},
                     ["dataSources", "sections[0].dataSourceIndex", "sections[1].dataSourceIndex"], id="no sources"),
        pytest.param({"sections": [section("s1", -1)]}, ["sections[0].dataSourceIndex"], id="a section before them"),
        pytest.param({"sections": [section("s1", 2**31 - 1)]}, ["sections[0].dataSourceIndex"], id="a section far off"),
        pytest.param({"sections": [section("a"), section("b"), section("a")]}, ["sections[2].id"], id="an id twice"),
        pytest.param({"sections": [section("a"), section("a", 9)]},
                     ["sections[1].id", "sections[1].dataSourceIndex"], id="two findings in one section"),
        pytest.param({"formats": []}, ["formats"], id="no format"),
        pytest.param({"formats": ["docx"]}, ["formats[0]"], id="an unknown format"),
        pytest.param({"formats": ["pdf", "PDF"]}, ["formats[1]"], id="a format in capitals"),
        pytest.param({"formats": ["pdf", ""]}, ["formats[1]"], id="a format without a name"),
        pytest.param({"formats": ["pdf", "csv", "pdf", "csv"]}, ["formats[2]", "formats[3]"], id="formats twice"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named_by_its_path(change: dict[str, Any], paths: list[str]) -> None:
    assert list(check_definition({**SOUND, **change}, source_keys=KEYS)) == paths


def test_an_unknown_source_is_told_which_there_are() -> None:
    errors = check_definition({"data_sources": [{"sourceKey": "moon"}]}, source_keys=KEYS)

    assert errors["dataSources[0].sourceKey"] == ["There is no such source. Give one of: daily_trend, funnel."]


def test_a_section_beyond_is_told_how_far_it_may_point() -> None:
    errors = check_definition({**SOUND, "sections": [section("s1", 2)]}, source_keys=KEYS)

    assert errors == {"sections[0].dataSourceIndex": ["Must be from 0 to 1."]}


def test_formats_are_told_which_there_are() -> None:
    assert check_formats(["docx", "pdf", "pdf"]) == {
        "formats[0]": ["Must be one of: pdf, csv, markdown, html."], "formats[2]": [TWICE],
    }  # fmt: skip


@pytest.mark.parametrize("formats", [["pdf"], ["csv"], ["markdown"], ["html"], ["html", "markdown", "csv", "pdf"]])
def test_every_format_is_taken_in_any_order(formats: list[str]) -> None:
    assert check_formats(formats) == {}


@pytest.mark.parametrize(
    ("stood", "changed", "paths"),
    [
        pytest.param({"data_sources": [{"sourceKey": "gone"}]}, {"enabled"}, [], id="an unrelated change"),
        pytest.param({"data_sources": [{"sourceKey": "gone"}], "sections": []}, {"formats"}, [],
                     id="another part than the one that is wrong"),
        pytest.param({"data_sources": [FUNNEL]}, {"data_sources"}, ["sections[1].dataSourceIndex"],
                     id="sources answer for the sections"),
        pytest.param({"data_sources": [{"sourceKey": "gone"}, TREND]}, {"sections"}, [],
                     id="sections do not answer for the sources"),
        pytest.param({"data_sources": []}, {"sections"},
                     ["sections[0].dataSourceIndex", "sections[1].dataSourceIndex"], id="sections without sources"),
        pytest.param({"formats": []}, {"formats", "name"}, ["formats"], id="what changes is looked at"),
        pytest.param({}, {"data_sources", "sections", "formats"}, [], id="everything, and sound"),
    ],
)  # fmt: skip
def test_a_change_answers_for_what_it_touches(stood: dict[str, Any], changed: set[str], paths: list[str]) -> None:
    assert list(check_changes({**SOUND, **stood}, changed, source_keys=KEYS)) == paths


def test_destinations_are_named_by_their_place() -> None:
    mine, other = uuid.uuid4(), uuid.uuid4()

    errors = check_destinations([mine, other, mine, other], valid={mine}, path="filters.destinations")

    assert errors == {
        "filters.destinations[1]": [UNKNOWN_DESTINATION], "filters.destinations[3]": [UNKNOWN_DESTINATION],
    }  # fmt: skip


def test_the_sentence_has_the_first_five() -> None:
    errors = {f"sections[{number}].id": [TWICE, "more"] for number in range(9)}

    assert in_one_sentence(errors).split("; ") == [f"sections[{number}].id: {TWICE}" for number in range(5)]
    assert in_one_sentence({}) == ""
