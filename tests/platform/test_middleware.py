"""Every route works with and without its slash, and no NUL gets past the door."""

import pytest
from django.test import Client
from django.test.client import RequestFactory

from tests.people import Person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/v1/api-keys", "/api/v1/tenant/status", "/api/health"])
def test_an_api_route_answers_alike_with_and_without_the_slash(alice: Person, path: str) -> None:
    assert alice.api().get(path).status_code == 200
    assert alice.api().get(path + "/").status_code == 200


def test_a_post_to_the_slash_form_is_no_redirect_that_loses_its_body(alice: Person) -> None:
    response = alice.api().post("/api/v1/api-keys/", {"name": "CI"}, format="json")

    assert response.status_code == 201


def test_a_page_answers_alike_with_and_without_the_slash(alice: Person) -> None:
    browser = alice.browser()

    assert browser.get("/settings/api-keys").status_code == 200
    assert browser.get("/settings/api-keys/").status_code == 200


def test_an_id_with_a_slash_is_found_too(alice: Person) -> None:
    key_id = alice.api().get("/api/v1/api-keys").json()["data"][0]["id"]

    assert alice.api().get(f"/api/v1/api-keys/{key_id}/").status_code == 200


@pytest.mark.parametrize("path", ["/api/nowhere", "/api/nowhere/", "/api/v1/api-keys//", "/api//v1/api-keys"])
def test_an_api_route_that_is_none_is_404_in_the_envelope(alice: Person, path: str) -> None:
    response = alice.api().get(path)

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "NOT_FOUND"
    assert response.json()["error"]["requestId"] == response.headers["x-request-id"]


def test_a_page_that_is_none_is_a_page_for_people(alice: Person) -> None:
    response = alice.browser().get("/nowhere")

    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


@pytest.mark.parametrize(
    "address", ["/api/v1/api-keys/a%00b", "/api/v1/api-keys?limit=%00", "/api/v1/api-keys?a%00=1", "/api/%00"]
)
def test_a_nul_in_an_api_address_is_400_in_the_envelope(alice: Person, address: str) -> None:
    response = alice.api().get(address)

    assert response.status_code == 400
    assert "NUL" in response.json()["error"]["message"]


@pytest.mark.parametrize("address", ["/settings/%00", "/?next=%00"])
def test_a_nul_in_a_pages_address_is_400_in_words(alice: Person, address: str) -> None:
    response = alice.browser().get(address)

    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("cookie", [r'sessionid="abcdefghijkl\000"', r'csrftoken="\000"', r'other="\000"'])
def test_a_nul_that_a_quoted_cookie_hides_is_400(cookie: str) -> None:
    response = Client(headers={"Cookie": cookie}).get("/api/v1/tenant/status")

    assert response.status_code == 400
    assert "cookie" in response.json()["error"]["message"]


@pytest.mark.parametrize("address", ["/api/v1/api-keys/%FF%FE", "/api/v1/api-keys?limit=%FF", "/%C0%80", "/%ED%A0%80"])
def test_an_address_that_is_no_utf_8_is_a_plain_refusal(alice: Person, address: str) -> None:
    assert alice.api().get(address).status_code in {400, 404}
    assert alice.browser().get(address).status_code in {400, 401, 404}


def test_an_unknown_host_is_refused() -> None:
    response = Client(headers={"Host": "evil.example"}).get("/api/v1/tenant/status")

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_that_is_too_big_is_413_and_no_failure_of_ours(alice: Person, content_type: str) -> None:
    body = b"a=" + b"x" * 3_000_000

    by_session = alice.browser().post("/api/v1/api-keys", body, content_type=content_type)
    by_page = alice.browser().post("/settings/api-keys", body, content_type=content_type)

    assert 400 <= by_session.status_code < 500
    assert 400 <= by_page.status_code < 500


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=1&" * 2000, "application/x-www-form-urlencoded"),
        (b"--x\r\n", "multipart/form-data"),
        (b"--x\r\nContent-Disposition: nonsense", "multipart/form-data; boundary=x"),
        (b"a=1", "application/x-www-form-urlencoded; charset=nonsense"),
        (b"\xff\xfe", "application/json; charset=utf-16"),
        (b"{}", "text/plain"),
        (b"{}", ""),
        (b"{}", "nonsense"),
    ],
    ids=["many fields", "no boundary", "broken part", "odd charset", "utf-16", "text", "no type", "no such type"],
)
def test_a_body_of_another_kind_is_refused_by_session_and_by_key(alice: Person, body: bytes, content_type: str) -> None:
    csrf_checked = Client(enforce_csrf_checks=True)
    csrf_checked.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")

    for client in (alice.browser(), csrf_checked, alice.api()):
        response = client.generic("POST", "/api/v1/api-keys", body, content_type=content_type)
        assert 400 <= response.status_code < 500
        assert response.json()["error"]["status"] == response.status_code


def test_the_address_of_a_request_is_left_as_it_came() -> None:
    request = RequestFactory().get("/api/v1/api-keys/")

    assert request.path == "/api/v1/api-keys/"


@pytest.mark.parametrize("path", ["/api/health", "/api/metrics", "/api/docs", "/api/schema"])
def test_a_method_that_a_plain_view_does_not_have_is_405_in_the_envelope(path: str) -> None:
    response = Client().put(path)

    assert response.status_code == 405
    assert response.json()["error"]["code"] == "METHOD_NOT_ALLOWED"
    assert "GET" in response.headers["Allow"]
    assert int(response.headers["Content-Length"]) == len(response.content)
