"""A file behind a web address: read where it lies, under the rules for addresses that a tenant typed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from flows.storage.base import FileGone, StorageError
from flows.storage.opening import OpenedStore, open_store
from tests.flows.storage.web import Page, Web, web_server


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[[Page], Web]]:
    with ExitStack() as stack:

        def start(page: Page) -> Web:
            web = stack.enter_context(web_server(lambda path: page))
            settings.NOTIFICATIONS_ALLOWED_HOSTS = [web.place]
            return web

        yield start


def opened(path: str, config: dict[str, Any] | None = None, secret: dict[str, Any] | None = None) -> OpenedStore:
    return open_store(kind="http_pull", path=path, config=config or {}, secret=secret or {})


def test_the_file_is_listed_with_its_size_time_and_version(serve: Callable[[Page], Web]) -> None:
    headers = {"ETag": '"v7"', "Last-Modified": "Mon, 09 Mar 2026 10:00:00 GMT"}
    web = serve(Page(headers=headers))

    store = opened(web.url("/exports/orders.csv?token=s3cret"))
    (file,) = store.store.list_folder(store.folder, limit=10)

    assert (file.key, file.name, file.size, file.version) == ("/exports/orders.csv", "orders.csv", 8, '"v7"')
    assert file.modified_at is not None
    assert file.modified_at.isoformat() == "2026-03-09T10:00:00+00:00"
    assert web.asked[0][:2] == ("HEAD", "/exports/orders.csv?token=s3cret")


def test_the_file_is_downloaded_and_stays_where_it_is(serve: Callable[[Page], Web], into: Path) -> None:
    data = bytes(range(256)) * 8_000
    web = serve(Page(body=data))
    store = opened(web.url("/orders.csv"))

    path = store.store.fetch("/orders.csv", into, most_bytes=len(data))

    assert path.read_bytes() == data
    assert not store.store.can_move
    with pytest.raises(StorageError, match="cannot be moved"):
        store.store.move("/orders.csv", "/archive/orders.csv")


def test_a_server_that_knows_no_head_is_asked_for_the_file_all_the_same(
    serve: Callable[[Page], Web], into: Path
) -> None:
    web = serve(Page(allows_head=False))
    store = opened(web.url("/orders.csv"))

    (file,) = store.store.list_folder("/", limit=10)

    assert (file.name, file.size, file.modified_at) == ("orders.csv", 0, None)
    assert store.store.fetch(file.key, into, most_bytes=100).read_bytes() == b"a,b\n1,2\n"


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_not_there_is_none(serve: Callable[[Page], Web], into: Path, status: int) -> None:
    store = opened(serve(Page(status=status)).url("/orders.csv"))

    assert list(store.store.list_folder(store.folder, limit=10)) == []
    with pytest.raises(FileGone):
        store.store.fetch("/orders.csv", into, most_bytes=100)
    assert list(into.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "words", "is_transient"),
    [(302, "Redirects are not followed", False), (401, "401", False), (500, "500", True), (429, "429", True)],
)
def test_another_answer_is_an_error_that_says_whether_to_try_again(
    serve: Callable[[Page], Web], into: Path, status: int, words: str, is_transient: bool
) -> None:
    store = opened(serve(Page(status=status, headers={"Location": "http://169.254.169.254/"})).url("/orders.csv"))

    for ask in (lambda: store.store.stat("/orders.csv"), lambda: store.store.fetch("/orders.csv", into, most_bytes=9)):
        with pytest.raises(StorageError, match=words) as refusal:
            ask()
        assert refusal.value.is_transient is is_transient

    assert list(into.iterdir()) == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (Page(body=b"x" * 2_000), "larger than 1,000 bytes"),
        (Page(body=b"x" * 2_000, stated=10**15), "larger than 1,000 bytes"),
        (Page(body=b"x" * 400, stated=900), "only 400 of 900 bytes came"),
    ],
    ids=["too large", "says that it is huge", "cut short"],
)
def test_a_file_that_is_too_large_or_cut_short_is_not_kept(
    serve: Callable[[Page], Web], into: Path, page: Page, words: str
) -> None:
    page.headers["Connection"] = "close"
    store = opened(serve(page).url("/orders.csv"))

    with pytest.raises(StorageError, match=words):
        store.store.fetch("/orders.csv", into, most_bytes=1_000)

    assert list(into.iterdir()) == []


@pytest.mark.parametrize(
    "path",
    ["http://example.com/a.csv", "https://127.0.0.1/a.csv", "https://169.254.169.254/latest/a.csv", "file:///etc/passwd",
     "ftp://example.com/a.csv", "https://user:pass@example.com/a.csv", "orders.csv", "https://localhost/a.csv"],
)  # fmt: skip
def test_an_address_that_is_never_called_is_refused_before_anything_is_sent(path: str) -> None:
    with pytest.raises(StorageError):
        opened(path)


def test_an_address_without_a_file_s_name_is_refused(serve: Callable[[Page], Web]) -> None:
    web = serve(Page())

    for path in ("/", "/exports/", "/exports/../up.csv", "/a%00.csv"):
        with pytest.raises(StorageError):
            opened(web.url(path))

    assert web.asked == []


@pytest.mark.parametrize(
    ("secret", "header", "value"),
    [
        ({"token": "t0"}, "authorization", "Bearer t0"),
        ({"username": "u", "password": "p"}, "authorization", "Basic dTpw"),
        ({"headerName": "X-Key", "headerValue": "k"}, "x-key", "k"),
    ],
    ids=["token", "password", "header"],
)
def test_a_connector_s_secret_goes_along_with_every_request(
    serve: Callable[[Page], Web], into: Path, secret: dict[str, str], header: str, value: str
) -> None:
    web = serve(Page())
    store = opened("exports/orders.csv", {"url": web.url("/v1"), "headers": {"X-Team": "crm"}}, secret)

    store.store.stat("/v1/exports/orders.csv")
    store.store.fetch("/v1/exports/orders.csv", into, most_bytes=100)

    assert [path for _, path, _ in web.asked] == ["/v1/exports/orders.csv"] * 2
    assert all(headers[header] == value and headers["x-team"] == "crm" for _, _, headers in web.asked)


def test_a_secret_never_goes_to_another_server_than_its_connector_s(serve: Callable[[Page], Web]) -> None:
    web = serve(Page())

    for path in (
        "https://evil.example/a.csv",
        "//evil.example/a.csv",
        web.url("/a.csv").replace("127.0.0.1", "x.test"),
    ):
        with pytest.raises(StorageError, match="another server"):
            opened(path, {"url": web.url("/v1/")}, {"token": "t0"})


def test_a_header_with_a_line_break_is_refused(serve: Callable[[Page], Web]) -> None:
    web = serve(Page())
    store = opened(web.url("/a.csv"), {"url": web.url("/"), "headers": {"X-A": "1\r\nX-B: 2"}})

    with pytest.raises(StorageError, match="header of the connector cannot be sent"):
        store.store.stat("/a.csv")

    assert web.asked == []
