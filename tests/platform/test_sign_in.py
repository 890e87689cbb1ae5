"""Signing in: a form for people, and a door that shuts after five failures however the address is spelled."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory
from django.utils import timezone

from kaireon.platform.tenancy.sign_in import typed_address
from tests.people import PASSWORD, Person

pytestmark = pytest.mark.django_db
LOGIN = "/settings/login/"


def sign_in(browser: Client, username: str, password: str, **headers: str) -> Any:
    """Send the sign-in form."""
    return browser.post(LOGIN, {"username": username, "password": password, "next": "/"}, headers=headers)


def test_a_stranger_is_led_to_the_form_and_back(alice: Person) -> None:
    browser = Client()

    led = browser.get("/settings/api-keys?page=2")
    form = browser.get(led.headers["Location"])
    signed_in = browser.post(
        LOGIN, {"username": alice.user.email, "password": PASSWORD, "next": "/settings/api-keys?page=2"}
    )

    assert led.status_code == 302
    assert led.headers["Location"] == "/settings/login/?next=%2Fsettings%2Fapi-keys%3Fpage%3D2"
    assert form.status_code == 200
    assert signed_in.headers["Location"] == "/settings/api-keys?page=2"
    assert browser.get("/settings/api-keys").status_code == 200


def test_the_address_is_taken_whatever_its_case(alice: Person) -> None:
    assert sign_in(Client(), alice.user.email.upper(), PASSWORD).status_code == 302


def test_signing_in_makes_a_new_session(alice: Person) -> None:
    browser = Client()
    browser.cookies["sessionid"] = "planted-by-somebody-else-0123456"

    sign_in(browser, alice.user.email, PASSWORD)

    assert browser.cookies["sessionid"].value != "planted-by-somebody-else-0123456"


def test_the_form_leads_to_no_other_site(alice: Person) -> None:
    response = Client().post(
        LOGIN, {"username": alice.user.email, "password": PASSWORD, "next": "https://evil.example/"}
    )

    assert response.headers["Location"] == "/"


def test_after_five_failures_the_right_password_is_refused_too_in_words(alice: Person) -> None:
    browser = Client()
    for _ in range(5):
        sign_in(browser, alice.user.email, "wrong")

    response = sign_in(browser, alice.user.email, PASSWORD)

    text = response.content.decode().lower()
    assert response.status_code == 429
    assert "too many" in text
    assert "15 m" in text
    assert browser.get("/").status_code == 302


def test_every_spelling_of_an_address_counts_as_one(alice: Person) -> None:
    browser = Client()
    for spelling in ("alice", "ALICE", "Alice", " alice", "aLiCe"):
        sign_in(browser, f"{spelling}@acme.example", "wrong")

    assert sign_in(browser, alice.user.email, PASSWORD).status_code == 429


def test_four_failures_are_forgiven_by_a_success(alice: Person) -> None:
    browser = Client()
    for _ in range(4):
        sign_in(browser, alice.user.email, "wrong")
    first = sign_in(browser, alice.user.email, PASSWORD)
    for _ in range(4):
        sign_in(browser, alice.user.email, "wrong")

    assert first.status_code == 302
    assert sign_in(browser, alice.user.email, PASSWORD).status_code == 302


def test_somebody_elses_failures_lock_nobody_out(alice: Person, bob: Person) -> None:
    for _ in range(6):
        sign_in(Client(), alice.user.email, "wrong")

    assert sign_in(Client(), bob.user.email, PASSWORD).status_code == 302


def test_the_door_opens_again_after_a_quarter_of_an_hour(alice: Person) -> None:
    for _ in range(5):
        sign_in(Client(), alice.user.email, "wrong")

    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))

    assert sign_in(Client(), alice.user.email, PASSWORD).status_code == 302


def test_the_password_that_was_tried_is_kept_nowhere(alice: Person) -> None:
    sign_in(Client(), alice.user.email, "hunter2-of-another-site")

    assert "hunter2-of-another-site" not in str(list(AccessAttempt.objects.values()))


@pytest.mark.parametrize(
    ("username", "password"),
    [("", ""), ("a\0b@example.com", "x"), ("alice@acme.example", "a\0b"), ("x" * 10_000, "x"), ("<script>", "' OR 1=1"),
     ("\u202ealice@acme.example", "x")],
    ids=["nothing", "NUL", "NUL in the password", "ten thousand characters", "fragments", "direction override"],
)  # fmt: skip
def test_anything_typed_is_answered_by_the_form(alice: Person, username: str, password: str) -> None:
    response = sign_in(Client(), username, password)

    assert response.status_code == 200
    assert b"<script>alert" not in response.content


def test_the_form_needs_its_csrf_token(alice: Person) -> None:
    browser = Client(enforce_csrf_checks=True)

    assert sign_in(browser, alice.user.email, PASSWORD).status_code == 403


@pytest.mark.parametrize("credentials", [None, {}, {"username": None}, {"password": "x"}])
def test_an_attempt_without_an_address_has_an_empty_one(credentials: dict[str, str] | None) -> None:
    request = RequestFactory().post(LOGIN, {})
    request.user = AnonymousUser()

    assert typed_address(request, credentials) == ""


def test_signing_out_is_a_post_and_ends_the_session(alice: Person) -> None:
    browser = alice.browser()

    refused = browser.get("/settings/logout/")
    done = browser.post("/settings/logout/")

    assert refused.status_code == 405
    assert done.status_code in {200, 302}
    assert browser.get("/api/v1/tenant/status").status_code == 401
