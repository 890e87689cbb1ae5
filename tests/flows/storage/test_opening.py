"""Opening: which kinds there are, which bucket is meant, and whose credentials are used."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pytest_django import Settings

from flows.ir.sources import StoreKind
from flows.storage.azure_blob import azure_connection
from flows.storage.base import StorageError
from flows.storage.gcs import gcs_token
from flows.storage.opening import open_store, refusal_of
from tests.flows.storage.world import Box

RUNS_A_PROGRAM = json.dumps({"type": "external_account", "credential_source": {"executable": {}}})
KEYS = {"accessKeyId": "a", "secretAccessKey": "b"}


def test_ftp_is_refused_in_the_documented_words() -> None:
    with pytest.raises(StorageError) as refusal:
        open_store(kind="ftp", path="/in", config={}, secret={})

    assert refusal.value.message == "connector ftp has no runtime executor (deprecated plaintext; use sftp)"
    assert not refusal.value.is_transient


@pytest.mark.parametrize("kind", ["kafka_consumer", "kinesis_consumer", "pulsar_consumer"])
def test_a_stream_is_refused_with_what_to_do_instead(kind: str) -> None:
    assert "streaming disabled" in refusal_of(kind)
    assert refusal_of("s3") == ""
    assert "no runtime executor" in refusal_of("carrier_pigeon")


@pytest.mark.parametrize(
    ("path", "folder"),
    [("inbox/", "inbox"), ("/inbox/a", "inbox/a"), ("s3://my-bucket/inbox/", "inbox"), ("s3://my-bucket", ""),
     ("/", "")],
)  # fmt: skip
def test_a_path_may_name_the_bucket_or_leave_it_to_the_connector(path: str, folder: str) -> None:
    opened = open_store(kind="s3", path=path, config={"bucket": "my-bucket", "region": "eu-west-1"}, secret=KEYS)

    assert (opened.store.name, opened.folder) == ("s3://my-bucket", folder)
    opened.store.close()


@pytest.mark.parametrize(
    ("path", "config", "words"),
    [
        ("s3://other/inbox", {"bucket": "my-bucket"}, "names the bucket other"),
        ("gs://my-bucket/inbox", {"bucket": "my-bucket"}, "must begin with s3://"),
        ("inbox", {}, "Neither the path nor the connector names a bucket"),
        ("s3://my-bucket/../x", {"bucket": "my-bucket"}, "not followed"),
        ("inbox", {"bucket": "b", "endpointUrl": "http://169.254.169.254/"}, "endpointUrl"),
        ("inbox", {"bucket": "b", "endpointUrl": "https://localhost:9000"}, "endpointUrl"),
        ("inbox", {"bucket": "b", "endpointUrl": "file:///etc"}, "endpointUrl"),
        ("inbox", {"bucket": "b", "region": "not a region"}, "region"),
    ],
)
def test_a_path_or_config_that_leads_elsewhere_is_refused(path: str, config: dict[str, Any], words: str) -> None:
    with pytest.raises(StorageError, match=words):
        open_store(kind="s3", path=path, config=config, secret=KEYS)


@pytest.mark.parametrize("kind", ["s3", "gcs", "azure_blob"])
def test_a_connector_without_credentials_never_gets_the_server_s_own(
    kind: StoreKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-server-s-own")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-server-s-own")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "BlobEndpoint=https://own.example;AccountKey=eA==")
    config = {"bucket": "b", "container": "b", "storageAccount": "acct"}

    with pytest.raises(StorageError, match="no credentials"):
        open_store(kind=kind, path="inbox", config=config, secret={})


def test_an_open_bucket_is_read_without_a_signature(make_box: Callable[[str], Box]) -> None:
    box = make_box("s3")
    box.config = {**box.config, "authMethod": "none"}
    box.secret = {}
    box.put("inbox/a.csv", b"x")

    assert [file.name for file in box.listed()] == ["a.csv"]


@pytest.mark.parametrize(
    ("kind", "secret", "words"),
    [
        ("s3", {"accessKeyId": "a", "secretAccessKey": "b"}, "NoSuchBucket"),
        ("gcs", {}, "not there"),
        ("azure_blob", {"accountKey": "d3Jvbmc="}, "AuthorizationFailure|AuthenticationFailed"),
    ],
)
def test_a_store_that_refuses_says_what_and_repeats_no_secret(
    make_box: Callable[[str], Box], kind: str, secret: dict[str, str], words: str
) -> None:
    box = make_box(kind)
    box.config = {**box.config, "bucket": "no-such-bucket"}
    box.secret = secret

    with pytest.raises(StorageError, match=words) as refusal:
        box.listed()

    assert "d3Jvbmc" not in refusal.value.message
    assert "127.0.0.1" not in refusal.value.message


@pytest.mark.parametrize("kind", ["s3", "gcs", "azure_blob"])
def test_a_store_that_is_away_may_be_tried_again(settings: Settings, kind: StoreKind) -> None:
    settings.NOTIFICATIONS_ALLOWED_HOSTS = ["127.0.0.1:9"]
    config = {"bucket": "b", "container": "b", "storageAccount": "acct", "endpointUrl": "http://127.0.0.1:9/acct"}

    with pytest.raises(StorageError, match="could not be reached") as refusal:
        open_store(
            kind=kind, path="in", config=config, secret={**KEYS, "accountKey": "eA==", "serviceAccountJson": "{}"}
        )

    assert refusal.value.is_transient


def test_a_google_key_signs_in_at_google_whatever_it_says() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    given = {
        "type": "service_account", "private_key": text, "client_email": "a@b.iam.gserviceaccount.com",
        "token_uri": "http://169.254.169.254/token", "universe_domain": "evil.example", "quota_project_id": "x",
    }  # fmt: skip

    token = gcs_token({}, {"serviceAccountJson": json.dumps(given)})

    assert token["token_uri"] == "https://oauth2.googleapis.com/token"
    assert token["universe_domain"] == "googleapis.com"
    assert "quota_project_id" not in token


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", "[" * 100_000, RUNS_A_PROGRAM],
    ids=["empty", "no JSON", "a list", "a number", "deep", "runs a program"],
)  # fmt: skip
def test_what_is_no_key_of_a_service_account_is_refused(text: str) -> None:
    if not text:
        assert gcs_token({}, {"serviceAccountJson": text}) == "google_default"
        return

    with pytest.raises(StorageError, match="key file of a service account"):
        gcs_token({}, {"serviceAccountJson": text})


def test_of_a_connection_string_only_the_key_is_taken() -> None:
    given = "BlobEndpoint=http://169.254.169.254;AccountName=other;AccountKey=a2V5;EndpointSuffix=evil.example"

    connection = azure_connection({"storageAccount": "acct"}, {"connectionString": given})

    assert connection == "BlobEndpoint=https://acct.blob.core.windows.net;AccountName=acct;AccountKey=a2V5"


@pytest.mark.parametrize(
    ("config", "secret", "expected"),
    [
        ({"authMethod": "none"}, {}, "BlobEndpoint=https://acct.blob.core.windows.net"),
        ({}, {"sasToken": "?sv=1&sig=x"}, "BlobEndpoint=https://acct.blob.core.windows.net;SharedAccessSignature=sv=1&sig=x"),
        ({"endpointUrl": "https://az.example"}, {"accountKey": "k"}, "BlobEndpoint=https://az.example;AccountName=acct;AccountKey=k"),
    ],
    ids=["open", "signature", "own address"],
)  # fmt: skip
def test_each_way_into_azure_makes_one_connection(
    config: dict[str, str], secret: dict[str, str], expected: str
) -> None:
    assert azure_connection({"storageAccount": "acct", **config}, secret) == expected


@pytest.mark.parametrize("secret", [{"accountKey": "k;BlobEndpoint=http://x"}, {"sasToken": "s\r\nx"}, {}])
def test_a_secret_that_would_change_the_connection_is_refused(secret: dict[str, str]) -> None:
    with pytest.raises(StorageError):
        azure_connection({"storageAccount": "acct"}, secret)
