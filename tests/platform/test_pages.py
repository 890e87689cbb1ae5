"""What every page shares: sign-in, tenant and role before the view, and error pages that say what to do."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from kaireon.platform.errors import Conflict
from kaireon.platform.pages import bad_request, forbidden, not_found, page, page_context, server_error
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.roles import Role
from tests.people import Person

pytestmark = pytest.mark.django_db


def request_of(person: Person | None, method: str = "GET", role: Role | None = None) -> Any:
    """Return a request as the middlewares leave it."""
    request: Any = RequestFactory().generic(method, "/settings/x?y=1")
    request.user = person.user if person else Client().get("/").wsgi_request.user
    request.tenant = person.tenant if person else None
    request.actor = Actor(kind="user", name=person.user.email, role=role or person.role) if person else None
    request.memberships = []
    return request


def view(request: Any) -> HttpResponse:
    """Answer 200."""
    return HttpResponse("done")


def refusing(request: Any) -> HttpResponse:
    """Refuse, as a service does."""
    raise Conflict("There is one already.")


def test_a_stranger_is_led_to_sign_in_and_back() -> None:
    response = page()(view)(request_of(None))

    assert response.status_code == 302
    assert response["Location"] == "/settings/login/?next=%2Fsettings%2Fx%3Fy%3D1"


@pytest.mark.parametrize(
    ("own", "read", "write", "method", "status"),
    [
        (Role.VIEWER, Role.VIEWER, None, "GET", 200),
        (Role.VIEWER, Role.VIEWER, None, "POST", 200),
        (Role.VIEWER, Role.VIEWER, Role.EDITOR, "GET", 200),
        (Role.VIEWER, Role.VIEWER, Role.EDITOR, "HEAD", 200),
        (Role.VIEWER, Role.VIEWER, Role.EDITOR, "POST", 403),
        (Role.EDITOR, Role.VIEWER, Role.EDITOR, "POST", 200),
        (Role.EDITOR, Role.ADMIN, None, "GET", 403),
        (Role.ADMIN, Role.ADMIN, None, "GET", 200),
    ],
)
def test_a_page_asks_for_its_role(
    alice: Person, own: Role, read: Role, write: Role | None, method: str, status: int
) -> None:
    response = page(role=read, write_role=write)(view)(request_of(alice, method, own))

    assert response.status_code == status


def test_a_refusal_of_a_service_is_a_page_with_its_status(alice: Person) -> None:
    response = page()(refusing)(request_of(alice))

    assert response.status_code == 409
    assert "There is one already." in response.content.decode()


def test_no_page_is_kept_by_a_cache(alice: Person) -> None:
    response = page()(view)(request_of(alice))

    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(("role", "can_edit", "is_admin"), [("viewer", False, False), ("editor", True, False)])
def test_a_template_knows_what_the_reader_may_do(alice: Person, role: str, can_edit: bool, is_admin: bool) -> None:
    context = page_context(request_of(alice, role=Role(role)), title="X", more=1)

    assert (context["can_edit"], context["is_admin"], context["title"], context["more"]) == (
        can_edit,
        is_admin,
        "X",
        1,
    )


@pytest.mark.parametrize(
    ("answer", "status"), [(bad_request, 400), (forbidden, 403), (not_found, 404), (server_error, 500)]
)
def test_an_error_has_a_page_for_people_and_an_envelope_for_machines(answer: Any, status: int) -> None:
    page_for_people = answer(RequestFactory().get("/settings/x"))
    envelope = answer(RequestFactory().get("/api/x"))

    assert page_for_people.status_code == envelope.status_code == status
    assert page_for_people["Content-Type"].startswith("text/html")
    assert envelope["Content-Type"] == "application/json"
