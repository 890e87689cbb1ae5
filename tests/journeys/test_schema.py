"""The API does what its description says: no failure of ours, and no status, type or shape that is not described."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.journeys.test_bad_input import CRON_SECRET, CRON_TOKEN, IDS, everything
from tests.people import Person

pytestmark = pytest.mark.django_db
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 12
# Besides the cron routes: their header is described as a parameter.
OWN_SECRET = {"/api/v1/triggers/file-arrival"}
schema = schemathesis.openapi.from_wsgi("/api/schema", get_wsgi_application())
schema.config.generation.update(max_examples=EXAMPLES)


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Keep the test's connection over requests, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def caller(alice: Person) -> dict[str, dict[str, str]]:
    """Return Alice's credentials and the ids of one of everything of hers."""
    world = everything(alice)
    headers = {"X-API-Key": alice.key, "x-cron-token": CRON_TOKEN, "x-cron-secret": CRON_SECRET}
    return {"headers": headers, "ids": {name: world[kind] for name, kind in IDS.items()}}


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
def test_every_operation_answers_as_described(case: Any, caller: dict[str, dict[str, str]]) -> None:
    for name in case.path_parameters or {}:
        # Half of the requests are for a thing that is there.
        if len(repr(case.body)) % 2:
            case.path_parameters[name] = caller["ids"][name]

    response = case.call(headers=caller["headers"])

    case.validate_response(response, checks=CHECKS)


def test_the_description_has_no_warnings() -> None:
    out, warnings = io.StringIO(), io.StringIO()

    call_command("spectacular", "--fail-on-warn", "--validate", stdout=out, stderr=warnings)

    assert "openapi: 3" in out.getvalue()
    assert warnings.getvalue() == ""


def test_every_operation_describes_its_errors_in_the_envelope() -> None:
    paths = json.loads(Client(headers={"Accept": "application/json"}).get("/api/schema").content)["paths"]
    bare = [
        f"{method} {path} {status}"
        for path, entry in paths.items()
        for method, operation in entry.items()
        for status, response in operation["responses"].items()
        if status >= "400" and "#/components/schemas/Error" not in json.dumps(response)
    ]

    assert bare == []


def test_every_operation_says_how_to_authenticate_and_what_it_does() -> None:
    paths = json.loads(Client(headers={"Accept": "application/json"}).get("/api/schema").content)["paths"]

    mute = [
        f"{method} {path}"
        for path, entry in paths.items()
        for method, operation in entry.items()
        if not operation.get("description") or not (operation.get("security") or "/cron/" in path or path in OWN_SECRET)
    ]

    assert mute == []


def test_the_description_and_its_page_are_served_without_the_network() -> None:
    page = Client().get("/api/docs").content.decode()

    assert "/static/drf_spectacular_sidecar/" in page
    assert "https://" not in page
