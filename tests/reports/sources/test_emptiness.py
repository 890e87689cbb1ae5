"""Whether a report has anything to tell."""

from dataclasses import replace
from typing import Any

import pytest

from reports.decisions.document import Figure, Section, Unit
from reports.decisions.emptiness import is_empty
from tests.reports.renderers.world import document, failed, offers, trend


def figure(value: Any, before: Any = None) -> Figure:
    return Figure("revenue", "Revenue", value, Unit.MONEY, before)


@pytest.mark.parametrize(
    ("section", "empty"),
    [
        (offers(rows=()), True),
        (trend(figures=(figure(0), figure(None, 0))), True),
        (trend(figures=(figure(1),)), False),
        (trend(figures=(figure(0, 5),)), False),
        (trend(figures=()), False),
        (failed(), False),
        (offers(), False),
    ],
    ids=["no rows", "zeros alone", "a figure", "fell to zero", "rows without figures", "an error", "rows"],
)
def test_a_section_has_something_or_not(section: Section, *, empty: bool) -> None:
    assert is_empty(document(section)) is empty


def test_one_section_with_something_is_enough() -> None:
    assert not is_empty(document(offers(rows=()), trend()))


def test_a_report_without_sections_is_empty() -> None:
    assert is_empty(replace(document(), sections=()))
