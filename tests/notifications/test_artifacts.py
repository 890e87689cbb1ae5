"""What counts as an artifact, as a table."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaireon.platform.notifications.artifacts import MAX_ARTIFACTS, Artifact, ArtifactError, artifacts_of

GOOD = {"format": "csv", "filename": "a.csv", "contentType": "text/csv", "base64": base64.b64encode(b"a,b").decode()}


def test_an_artifact_comes_back_with_its_bytes() -> None:
    assert artifacts_of({"artifacts": [GOOD]}) == [Artifact("a.csv", "text/csv", b"a,b")]


def test_one_that_only_has_an_address_is_left_out() -> None:
    assert artifacts_of({"artifacts": [{"filename": "a.pdf", "url": "https://k.example/a"}, GOOD]}) == [
        Artifact("a.csv", "text/csv", b"a,b")
    ]


@pytest.mark.parametrize(
    ("artifacts", "path"),
    [
        ({}, "artifacts"),
        ("a", "artifacts"),
        (None, "artifacts"),
        ([GOOD] * (MAX_ARTIFACTS + 1), "artifacts"),
        ([7], "artifacts[0]"),
        ([GOOD, []], "artifacts[1]"),
        ([{}], "artifacts[0].filename"),
        ([{**GOOD, "filename": ""}], "artifacts[0].filename"),
        ([{**GOOD, "filename": 5}], "artifacts[0].filename"),
        ([{**GOOD, "contentType": None}], "artifacts[0].contentType"),
        ([{**GOOD, "contentType": "text"}], "artifacts[0].contentType"),
        ([{**GOOD, "contentType": "text/csv\r\nX: y"}], "artifacts[0].contentType"),
        ([{**GOOD, "base64": "not base64"}], "artifacts[0].base64"),
        ([{**GOOD, "base64": "é"}], "artifacts[0].base64"),
        ([{**GOOD, "base64": 1}], "artifacts[0].base64"),
    ],
)
def test_what_is_no_artifact_is_named(artifacts: Any, path: str) -> None:
    with pytest.raises(ArtifactError) as error:
        artifacts_of({"artifacts": artifacts})

    assert error.value.path == path


def test_without_artifacts_there_are_none() -> None:
    assert artifacts_of({}) == []


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_no_value_makes_the_reader_fail_in_another_way(value: Any) -> None:
    for payload in ({"artifacts": value}, {"artifacts": [value]}, {"artifacts": [{**GOOD, "filename": value}]}):
        try:
            artifacts_of(payload)
        except ArtifactError:
            continue
