"""Moves in stores of objects: a copy and a removal, with a crash in between and uploads meanwhile."""

from collections.abc import Callable

import boto3
import pytest

from flows.storage.base import PlaceTaken, StorageError
from flows.storage.objects import Looked, ObjectStore, Readable
from tests.flows.storage.world import Box


@pytest.fixture(params=["s3", "gcs", "azure_blob"])
def box(request: pytest.FixtureRequest, make_box: Callable[[str], Box]) -> Box:
    return make_box(request.param)


def objects(box: Box) -> ObjectStore:
    store = box.store
    assert isinstance(store, ObjectStore)
    return store


def look(box: Box, name: str) -> Looked:
    found = objects(box)._look(f"inbox/{name}")
    assert found is not None
    return found


def test_a_copy_that_a_crash_left_beside_its_original_is_finished(box: Box) -> None:
    box.put("inbox/a.csv", b"data")
    objects(box)._copy(look(box, "a.csv"), "inbox/.processing/a.csv")

    box.store.move("inbox/a.csv", "inbox/.processing/a.csv")

    assert box.read("inbox/a.csv") is None
    assert box.read("inbox/.processing/a.csv") == b"data"


def test_another_file_of_the_same_length_is_not_taken_for_the_copy(box: Box) -> None:
    box.put("inbox/a.csv", b"new!")
    box.put("inbox/.processing/a.csv", b"old!")

    with pytest.raises(PlaceTaken):
        box.store.move("inbox/a.csv", "inbox/.processing/a.csv")

    assert box.read("inbox/a.csv") == b"new!"
    assert box.read("inbox/.processing/a.csv") == b"old!"


def test_an_upload_over_the_original_after_its_copy_is_kept(box: Box) -> None:
    box.put("inbox/a.csv", b"first")
    before = look(box, "a.csv")
    objects(box)._copy(before, "inbox/.processing/a.csv")
    box.put("inbox/a.csv", b"second")

    with pytest.raises(PlaceTaken):
        box.store.move("inbox/a.csv", "inbox/.processing/a.csv")

    assert box.read("inbox/a.csv") == b"second"
    assert box.read("inbox/.processing/a.csv") == b"first"


def test_what_a_copy_carries_is_what_the_uploader_gave(make_box: Callable[[str], Box]) -> None:
    box = make_box("s3")
    box.put("inbox/a.csv", b"data")

    box.store.move("inbox/a.csv", "inbox/.archive/a.csv")

    client = boto3.client(
        "s3", endpoint_url=box.config["endpointUrl"], region_name="us-east-1",
        aws_access_key_id="a", aws_secret_access_key="b",
    )  # fmt: skip
    head = client.head_object(Bucket=box.config["bucket"], Key="inbox/.archive/a.csv")
    assert head["ContentType"] == "text/csv"
    assert head["Metadata"]["owner"] == "crm"


@pytest.mark.slow
def test_more_files_than_a_page_holds_are_all_listed(make_box: Callable[[str], Box]) -> None:
    box = make_box("s3")
    for number in range(1_005):
        box.put(f"inbox/{number:04}.csv", b"x")

    assert len(box.listed(limit=2_000)) == 1_005


def test_markers_of_folders_and_names_that_none_could_keep_are_left_out(make_box: Callable[[str], Box]) -> None:
    box = make_box("s3")
    for name in ("inbox/", "inbox/a.csv", "inbox//c.csv", "inbox/b/c.csv"):
        box.put(name, b"x")

    assert [file.key for file in box.listed()] == ["inbox/a.csv"]


class _Torn:
    """Bytes that end early, or go on for ever."""

    def __init__(self, data: bytes, times: int) -> None:
        self.left = [data] * times

    def read(self, size: int) -> bytes:
        return self.left.pop() if self.left else b""


@pytest.mark.parametrize("times", [1, 100], ids=["too few", "too many"])
def test_a_body_of_another_length_than_stated_is_refused(
    make_box: Callable[[str], Box], times: int, tmp_path: object
) -> None:
    box = make_box("s3")
    box.put("inbox/a.csv", b"data" * 10)
    store = objects(box)

    class Lying(type(store)):  # type: ignore[misc]
        def _read(self, source: Looked) -> Readable:
            return _Torn(b"data", times)

    store.__class__ = Lying
    with pytest.raises(StorageError, match="changed while it was read"):
        store.fetch("inbox/a.csv", tmp_path, most_bytes=100)  # type: ignore[arg-type]
