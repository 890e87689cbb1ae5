"""Cells of the CSV export."""

from typing import Any

import pytest

from kaireon.platform.audit.csv_export import safe_cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("  =1", "'  =1"),
        ("-5", "-5"),
        (-5, "-5"),
        (-1.5e-7, "-1.5e-07"),
        ("+1_0", "'+1_0"),
        ("-inf", "'-inf"),
        ("plain", "plain"),
        ("a=b", "a=b"),
        ("", ""),
        (None, ""),
        ({"a": "=1"}, '{"a": "=1"}'),
        (["=1"], '["=1"]'),
    ],
)
def test_no_cell_becomes_a_formula(value: Any, cell: str) -> None:
    assert safe_cell(value) == cell
