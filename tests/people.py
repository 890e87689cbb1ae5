"""Who appears in the tests: Alice owns Acme, Bob is her team's viewer, Eve edits, Charlie belongs to another tenant."""

from dataclasses import dataclass

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant, User
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Person:
    """A user of a tenant, with a browser and an API client of their own."""

    user: User
    tenant: Tenant
    role: Role
    key: str

    def browser(self) -> Client:
        """Return a signed-in browser client; CSRF is off as in Django's own test client."""
        client = Client()
        client.force_login(self.user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    def api(self) -> APIClient:
        """Return an API client that sends the person's key."""
        client = APIClient()
        client.credentials(HTTP_X_API_KEY=self.key)
        return client


def make_tenant(name: str) -> Tenant:
    """Make a bare tenant, without the defaults that the service adds."""
    slug = name.lower()
    return Tenant.objects.create(name=name, slug=slug, data_schema=f"t_{slug}")


def make_person(name: str, tenant: Tenant, role: Role) -> Person:
    """Make a member with an API key of the same role."""
    user = User.objects.create_user(f"{name}@{tenant.slug}.example", PASSWORD, name=name.capitalize())
    user.memberships.create(tenant=tenant, role=role)
    key = _key(tenant, name, role)
    return Person(user=user, tenant=tenant, role=role, key=key)


def _key(tenant: Tenant, name: str, role: Role) -> str:
    # durable=True refuses the test's own transaction; the undecorated service does the same work.
    service = getattr(create_api_key, "__wrapped__", create_api_key)
    with transaction.atomic():
        _, key = service(tenant=tenant, name=name, role=role, actor=SYSTEM, now=timezone.now())
    return str(key)


@pytest.fixture
def acme(db: None) -> Tenant:
    """Return Alice's tenant."""
    return make_tenant("Acme")


@pytest.fixture
def globex(db: None) -> Tenant:
    """Return Charlie's tenant."""
    return make_tenant("Globex")


@pytest.fixture
def alice(acme: Tenant) -> Person:
    """Return the admin of Acme."""
    return make_person("alice", acme, Role.ADMIN)


@pytest.fixture
def eve(acme: Tenant) -> Person:
    """Return an editor of Acme."""
    return make_person("eve", acme, Role.EDITOR)


@pytest.fixture
def bob(acme: Tenant) -> Person:
    """Return a viewer of Acme."""
    return make_person("bob", acme, Role.VIEWER)


@pytest.fixture
def charlie(globex: Tenant) -> Person:
    """Return the admin of Globex, who must see nothing of Acme."""
    return make_person("charlie", globex, Role.ADMIN)
