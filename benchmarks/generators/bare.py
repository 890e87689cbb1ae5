"""The least that Django can be: one view that inserts the two rows of a recorded interaction, and nothing else.

No credentials, no check of a field, no duplicate is recognised. `/two` is BEGIN, two INSERTs and COMMIT, `/cte` one
statement; BARE_MIDDLEWARE=default adds what `startproject` writes into MIDDLEWARE.
"""

import json
import os
import uuid
from typing import Any, Final

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from environ import Env

INTERACTION: Final = """
INSERT INTO interactions_interaction (id, tenant_id, event_id, idempotency_key, request_hash, customer_id,
    recommendation_id, channel_id, placement_id, occurred_at, outcome, classification, category, direction, rank,
    creative_id, offer_id, conversion_value, context, outcome_details, attributes)
VALUES (%s, %s, %s, %s, NULL, %s, %s, %s, %s, %s, %s, 'positive', 'response', 'inbound', %s, NULL, %s, NULL, %s, NULL,
    NULL)"""
EVENT: Final = """
INSERT INTO outbox_events (id, tenant_id, topic, key, payload, occurred_at)
VALUES (%s, %s, 'interaction.recorded.v1', %s, %s, %s)"""
BOTH: Final = f"WITH interaction AS ({INTERACTION}) {EVENT}"
STARTPROJECT: Final = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
APPS: Final = ["auth", "contenttypes", "sessions", "messages"]
TENANT: Final = os.environ.get("BARE_TENANT", "")


def two_statements(request: HttpRequest) -> HttpResponse:
    """Insert both rows in one transaction, a statement each."""
    interaction, event, answer = read(request)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INTERACTION, interaction)
        cursor.execute(EVENT, event)
    return answer


def one_statement(request: HttpRequest) -> HttpResponse:
    """Insert both rows with one statement, which is a transaction of its own."""
    interaction, event, answer = read(request)
    with connection.cursor() as cursor:
        cursor.execute(BOTH, [*interaction, *event])
    return answer


def read(request: HttpRequest) -> tuple[list[Any], list[Any], HttpResponse]:
    """Return the parameters of both statements and the answer."""
    body = json.loads(request.body)
    now, interaction_id, event_id = timezone.now(), uuid.uuid4(), uuid.uuid4()
    payload = {
        "tenantId": TENANT, "customerId": body["customerId"], "offerId": body["offerId"], "creativeId": None,
        "channelId": body["channelId"], "interactionType": body["outcome"], "outcomeTypeKey": body["outcome"],
        "campaignId": None, "recommendationId": body["recommendationId"], "timestamp": now.isoformat(),
        "interactionId": str(interaction_id),
    }  # fmt: skip
    interaction = [
        interaction_id, TENANT, event_id, body["idempotencyKey"], body["customerId"], body["recommendationId"],
        body["channelId"], body["placementId"], now, body["outcome"], body["rank"], body["offerId"],
        json.dumps(body["context"]),
    ]  # fmt: skip
    answer = json.dumps({"interactionId": str(interaction_id), "eventId": str(event_id), "status": "recorded"})
    event = [event_id, TENANT, body["customerId"], json.dumps(payload), now]
    return interaction, event, HttpResponse(answer, status=201, content_type="application/json")


urlpatterns = [path("two", two_statements), path("cte", one_statement)]


def make_application() -> WSGIHandler:
    """Configure Django and return its application; the database keeps its connections and is asked for no health."""
    is_default = os.environ.get("BARE_MIDDLEWARE") == "default"
    database = Env.db_url_config(os.environ["DATABASE_URL"])
    host = database["HOST"].replace("%2F", "/").replace("%2f", "/")
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="bare" * 16, ROOT_URLCONF=__name__, USE_TZ=True,
        DATABASES={"default": database | {"HOST": host, "CONN_MAX_AGE": None}},
        MIDDLEWARE=[name for name in STARTPROJECT if "Csrf" not in name] if is_default else [],
        INSTALLED_APPS=[f"django.contrib.{name}" for name in APPS] if is_default else [],
    )  # fmt: skip
    django.setup()
    return WSGIHandler()


application = make_application() if os.environ.get("BARE_TENANT") else None
