"""The frame: navigation by role, the tenant's name, what a form's refusal becomes, pages without the frame."""

import re

import pytest
from django import forms
from django.test import Client

from kaireon.platform.errors import Unprocessable
from kaireon.platform.forms import add_refusal, plain_lines, plain_text
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from tests.people import Person

EVERYBODY = {"/", "/settings/alerts", "/settings/integrations", "/system-health", "/settings/guardrails"}
ADMINS = {"/settings/api-keys", "/settings/audit", "/settings/tenancy/membership/"}


def links(person: Person) -> set[str]:
    """Return the addresses in the side navigation."""
    text = person.browser().get("/system-health").content.decode()
    start = text.index('id="nav-sidebar-apps"')
    return set(re.findall(r'<a href="([^"]+)"', text[start : text.index("<main", start)]))


@pytest.mark.django_db
def test_the_navigation_holds_what_the_role_can_open(alice: Person, bob: Person) -> None:
    assert links(alice) >= EVERYBODY | ADMINS
    assert links(bob) >= EVERYBODY
    assert not links(bob) & ADMINS


@pytest.mark.django_db
def test_every_link_of_the_navigation_leads_somewhere(alice: Person) -> None:
    browser = alice.browser()

    answers = {link: browser.get(link).status_code for link in links(alice)}

    assert set(answers.values()) == {200}


@pytest.mark.django_db
def test_no_link_of_the_navigation_refuses_a_viewer(bob: Person) -> None:
    browser = bob.browser()

    answers = {link: browser.get(link).status_code for link in links(bob)}

    assert set(answers.values()) == {200}, answers


@pytest.mark.django_db
def test_the_tenant_stands_in_the_frame_and_becomes_a_menu_for_members_of_several(
    alice: Person, globex: Tenant
) -> None:
    one = alice.browser().get("/").content.decode()
    alice.user.memberships.create(tenant=globex, role=Role.VIEWER)
    two = alice.browser().get("/").content.decode()

    assert 'title="Tenant Acme"' in one
    assert "k-tenant-menu" not in one
    assert "k-tenant-menu" in two


@pytest.mark.django_db
def test_the_sign_in_keeps_the_address_and_never_the_password() -> None:
    answer = Client().post("/settings/login/", {"username": "<a@b.example", "password": "s3cret-typed"})

    text = answer.content.decode()
    assert 'value="&lt;a@b.example"' in text
    assert "s3cret-typed" not in text
    assert 'role="alert"' in text


def test_no_page_has_an_inline_event_handler(db: None, alice: Person) -> None:
    browser = alice.browser()

    found = [
        (path, match)
        for path in [*EVERYBODY, *ADMINS, "/settings/alerts/new", "/settings/integrations/new"]
        for match in re.findall(r"\son(?:click|change|submit|load|input)=", browser.get(path).content.decode())
    ]

    assert found == []


class _Form(forms.Form):
    name = forms.CharField()
    url = forms.CharField()


def refused(**fields: list[str]) -> _Form:
    form = _Form({"name": "n", "url": "u"})
    assert form.is_valid()
    paths = {path.replace("__", "."): texts for path, texts in fields.items()}
    add_refusal(form, Unprocessable("It cannot be.", fields=paths), {"config.url": "url", "name": "name"})
    return form


def test_a_refusal_stands_beside_the_field_that_its_path_names() -> None:
    form = refused(config__url=["Must be HTTPS."])

    assert form.errors == {"url": ["Must be HTTPS."]}


@pytest.mark.parametrize("fields", [{}, {"guardrails__x": ["No."]}])
def test_a_refusal_without_a_field_of_the_form_stands_on_top(fields: dict[str, list[str]]) -> None:
    form = refused(**fields)

    assert form.non_field_errors() == ["It cannot be."]


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\u202eb", "\ud800"])
def test_control_characters_are_refused_in_a_line(text: str) -> None:
    with pytest.raises(forms.ValidationError):
        plain_text(text)


def test_lines_may_break_and_hold_no_other_control_character() -> None:
    plain_lines("one\ntwo\tthree")

    with pytest.raises(forms.ValidationError):
        plain_lines("a\x07b")
