"""Secrets of cron routes: lists, constant comparisons, and Parameter Store over its real wire format."""

import json
from collections.abc import Iterator

import pytest

from kaireon.platform.cron_secrets import (
    KEPT_SECONDS,
    RETRY_SECONDS,
    STALE_SECONDS,
    ParameterCache,
    first_cron_secret,
    is_cron_secret,
    read_parameter,
)
from tests.servers import Got, Receiver, Reply, unused_port


class ParameterStore:
    """AWS Systems Manager as boto3 meets it: one POST target, JSON both ways."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.receiver = Receiver(self.answer)

    def answer(self, got: Got) -> Reply:
        """Answer GetParameter, or refuse as AWS does."""
        assert got.headers["x-amz-target"] == "AmazonSSM.GetParameter"
        asked = json.loads(got.body)
        assert asked["WithDecryption"] is True
        if asked["Name"] not in self.values:
            return Reply(400, json.dumps({"__type": "ParameterNotFound", "message": "none"}).encode())
        return Reply(
            200, json.dumps({"Parameter": {"Name": asked["Name"], "Value": self.values[asked["Name"]]}}).encode()
        )


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ParameterStore]:
    """Run a Parameter Store and point boto3 at it, by its own environment variables."""
    store = ParameterStore({"/kaireon/cron": "from-ssm"})
    point_boto3_at(monkeypatch, f"http://{store.receiver.place}")
    yield store
    store.receiver.close()


def point_boto3_at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Set what boto3 reads."""
    for name, value in {
        "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.mark.parametrize(
    ("offered", "configured", "is_let_in"),
    [
        ("a", "a", True),
        ("a", "b,a", True),
        ("a", " a , b ", True),
        ("b", "a,b,", True),
        ("é", "é", True),
        ("a", "b", False),
        ("", "a", False),
        ("", "", False),
        ("", ",", False),
        (" ", " ", False),
        ("a,b", "a,b", False),
        ("a ", "a", False),
        ("A", "a", False),
        ("\udcff", "a", False),
    ],
)
def test_a_secret_is_one_of_the_list(offered: str, configured: str, is_let_in: bool) -> None:
    assert is_cron_secret(offered, configured) is is_let_in


def test_a_parameter_is_read_from_parameter_store(store: ParameterStore) -> None:
    assert read_parameter("/kaireon/cron") == "from-ssm"


def test_a_parameter_and_a_plain_secret_stand_side_by_side(store: ParameterStore) -> None:
    cache = ParameterCache()

    found = [is_cron_secret(each, "ssm:/kaireon/cron, plain", parameters=cache) for each in ("from-ssm", "plain", "x")]

    assert found == [True, True, False]


def test_the_parameters_name_is_no_secret(store: ParameterStore) -> None:
    assert not is_cron_secret("ssm:/kaireon/cron", "ssm:/kaireon/cron", parameters=ParameterCache())


def test_a_parameter_may_hold_a_list(store: ParameterStore) -> None:
    store.values["/kaireon/cron"] = "old, new"
    cache = ParameterCache()

    assert all(is_cron_secret(each, "ssm:/kaireon/cron", parameters=cache) for each in ("old", "new"))


def test_a_parameter_is_kept_for_a_minute_and_then_read_again(store: ParameterStore) -> None:
    clock = Clock()
    cache = ParameterCache(monotonic=clock)
    first = cache.get("/kaireon/cron")
    store.values["/kaireon/cron"] = "rotated"

    clock.seconds += KEPT_SECONDS - 1
    kept = cache.get("/kaireon/cron")
    clock.seconds += 1
    again = cache.get("/kaireon/cron")

    assert (first, kept, again) == ("from-ssm", "from-ssm", "rotated")
    assert len(store.receiver.got) == 2


def test_an_unknown_parameter_lets_nobody_in(store: ParameterStore) -> None:
    cache = ParameterCache()

    assert not any(is_cron_secret(each, "ssm:/none", parameters=cache) for each in ("", "None", "ssm:/none"))


def test_an_outage_is_bridged_for_ten_minutes_and_not_for_longer(store: ParameterStore) -> None:
    clock = Clock()
    cache = ParameterCache(monotonic=clock)
    cache.get("/kaireon/cron")
    store.values.clear()

    clock.seconds += STALE_SECONDS - 1
    bridged = cache.get("/kaireon/cron")
    clock.seconds += RETRY_SECONDS
    gone = cache.get("/kaireon/cron")

    assert (bridged, gone) == ("from-ssm", "")


def test_a_failing_store_is_not_asked_by_every_request(store: ParameterStore) -> None:
    clock = Clock()
    cache = ParameterCache(monotonic=clock)

    for _ in range(5):
        cache.get("/none")
    asked = len(store.receiver.got)
    clock.seconds += RETRY_SECONDS
    cache.get("/none")

    assert (asked, len(store.receiver.got)) == (1, 2)


def test_a_store_that_is_back_is_believed_at_once(store: ParameterStore) -> None:
    clock = Clock()
    cache = ParameterCache(monotonic=clock)
    cache.get("/late")
    store.values["/late"] = "here"
    clock.seconds += RETRY_SECONDS

    assert cache.get("/late") == "here"


def test_a_store_that_does_not_answer_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    point_boto3_at(monkeypatch, f"http://127.0.0.1:{unused_port()}")

    assert not is_cron_secret("x", "ssm:/kaireon/cron", parameters=ParameterCache())


@pytest.mark.parametrize(
    ("configured", "expected"),
    [("", ""), (" , ", ""), ("one", "one"), (" one , two", "one"), (",two", "two")],
)
def test_the_secret_to_call_with_is_the_first(configured: str, expected: str) -> None:
    assert first_cron_secret(configured) == expected


def test_the_secret_to_call_with_may_be_the_first_of_a_parameter(store: ParameterStore) -> None:
    store.values["/kaireon/cron"] = " fresh , old "

    assert first_cron_secret("ssm:/kaireon/cron,other", parameters=ParameterCache()) == "fresh"


def test_an_unreadable_parameter_leaves_the_next_entry_to_call_with(store: ParameterStore) -> None:
    assert first_cron_secret("ssm:/nowhere, other", parameters=ParameterCache()) == "other"
    assert first_cron_secret("ssm:/nowhere", parameters=ParameterCache()) == ""
