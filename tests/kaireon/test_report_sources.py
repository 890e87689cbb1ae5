"""The data sources that other areas give to reports: they are registered by the wiring, once."""

import pytest

from alerts.decisions import Severity
from kaireon.report_sources import REPORT_SOURCES, HowBad
from kaireon.wiring import connect
from reports.sources import Source, find_source, source_list


@pytest.mark.parametrize("source", REPORT_SOURCES, ids=lambda source: source.key)
def test_the_wiring_registers_it(source: Source) -> None:
    assert find_source(source.key) is source


def test_registering_again_changes_nothing() -> None:
    before = source_list()

    connect()

    assert source_list() == before


def test_every_severity_can_be_asked_for() -> None:
    assert {each.value for each in HowBad} == {each.value for each in Severity}


def test_others_stand_behind_the_reports_own() -> None:
    keys = [each.key for each in source_list()]

    assert keys[0] == "offer_performance"
    assert set(keys[-len(REPORT_SOURCES) :]) == {each.key for each in REPORT_SOURCES}
