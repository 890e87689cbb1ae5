"""The bad-input table: every field, parameter and body of every route, with everything that it is not.

The operations come from the API's own description, so a new route is in the table because it exists. EXAMPLES holds
bodies that work, so that the deviations reach as deep as the route goes; a route without one is sent a sample of its
schema. Always 4xx with the field named, or taken where that is legal; never 5xx, and never an undocumented status.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from tests.architecture.furniture import flow_ir, furnish
from tests.journeys.nasty import BODIES, HUGE, NEVER_TAKEN, TEXTS, TYPES, VALUES, encode, places, with_value
from tests.journeys.openapi import Operation, operations, resolve, sample
from tests.people import Person

pytestmark = pytest.mark.django_db
FRESH = b"{fresh}"
CRON_TOKEN = "test-cron-token-of-more-than-32-characters"
CRON_SECRET = "test-cron-secret-of-more-than-32-characters"
MAIL = {"fromEmail": "a@example.com", "recipients": ["b@example.com"], "replyTo": "c@example.com"}
HOOK = {"url": "https://hooks.example.com/in", "secret": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=", "headers": {"X-A": "b"}}
RULE = {
    "name": "Rule", "metric": "decision_count", "operator": "gt", "threshold": 1.5, "windowMinutes": 5,
    "channels": [{"type": "email", "target": "a@example.com"}], "cooldownMinutes": 60, "enabled": True,
    "pendingMinutes": 0, "noDataPolicy": "ok", "notifyResolved": True,
}  # fmt: skip
TEMPLATE = {
    "name": "Report", "description": "What happened.\nAnd why.", "ownerUserId": None,
    "dataSources": [{"sourceKey": "revenue_trend", "params": {"days": 7}}],
    "sections": [{"id": "s1", "title": "Revenue", "dataSourceIndex": 0}], "formats": ["pdf", "csv"],
    "narrative": {"enabled": True, "prompt": "Be brief.", "modelOverride": "small"},
    "filters": {"destinations": ["{destination}"]}, "enabled": True,
}  # fmt: skip
SCHEDULE = {
    "templateId": "{template}", "name": "Daily", "cronExpression": "0 8 * * *", "timezone": "Europe/Berlin",
    "destinations": ["{destination}"], "enabled": True, "missedPolicy": "once", "skipIfEmpty": False,
}  # fmt: skip
INTERACTION = {
    "customerId": "c-1", "outcome": "zanzibar", "idempotencyKey": "{fresh}", "recommendationId": "r-1", "rank": 1,
    "direction": "inbound", "creativeId": "cr-1", "offerId": "o-1", "channelId": "web", "placementId": "top",
    "context": {"page": {"id": 1}}, "outcomeDetails": {"items": [1]}, "attributes": {"a": "b"}, "conversionValue": 49.9,
    "timestamp": "2026-01-31T08:00:00+01:00", "interactionId": "i-1",
}  # fmt: skip
OLDER_INTERACTION = {
    "customerId": "c-1", "interactionType": "zanzibar", "treatmentId": "cr-1", "idempotencyKey": "{fresh}",
}  # fmt: skip
DECISION = {
    "customerId": "c-1", "idempotencyKey": "{fresh}", "recommendationId": "r-1", "channelId": "web",
    "placementId": "top", "counts": {"afterQualification": 9, "afterContactPolicy": 5, "finalCount": 2},
    "selected": [{"offerId": "o-1", "creativeId": "cr-1", "rank": 1, "score": 0.5}, {"offerId": "o-2", "rank": 2}],
    "totalLatencyMs": 12.5, "degradedScoring": False, "statusCode": 200, "timestamp": "2026-01-31T08:00:00Z",
}  # fmt: skip
PIPELINE = {
    "name": "Orders {fresh}", "description": "Of the shop.", "connectorId": "{connector}", "schemaId": "{dataschema}",
    "irVersion": "1.0", "ir": flow_ir("Orders", "public.ds_orders"),
    "executionConfig": {"timeLimitSeconds": 600, "lineage": True},
}  # fmt: skip
BUCKET = {
    "name": "Bucket {fresh}", "type": "aws_s3", "description": "Of the shop.", "authMethod": "access_key",
    "config": {"bucket": "acme-orders", "region": "eu-central-1"},
    "authConfig": {"accessKeyId": "a", "secretAccessKey": "b"},
}  # fmt: skip
FIELD = {
    "name": "note", "displayName": "Note", "dataType": "varchar", "isNullable": True,
    "isPrimaryKey": False, "isUnique": False, "isPredictor": True, "defaultValue": "x", "description": "Words.",
    "ordinal": 0,
}  # fmt: skip
# Bodies that work; "{kind}" stands for the id of a thing that is there, "{fresh}" for a word that is another each time.
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "admin_dlq_create": [
        {"action": "retry", "eventIds": ["{letter}"], "topic": "outcome.recorded", "all": False, "dryRun": True},
        {"action": "purge", "all": True, "dryRun": True},
    ],
    "alerts_create": [RULE, RULE | {"channels": [{"providerId": "{destination}"}, "{destination}"]}],
    "alerts_update": [RULE],
    "alerts_mute_create": [{"until": "2099-01-01T00:00:00Z"}],
    "alerts_backtest_create": [{"days": 1}],
    "api_keys_create": [
        {"name": "CI", "role": "viewer", "scopes": ["alerts:read"], "expiresAt": "2099-01-01T00:00:00Z"}
    ],
    "connectors_create": [BUCKET, {"name": "Folder {fresh}", "type": "local_fs", "connectionConfig": {}}],
    "connectors_change": [
        {"name": "Folder {fresh}", "description": "Ours.", "config": {"basePath": "/srv"}, "authMethod": "none"}
    ],
    "connectors_test_create": [{"type": "local_fs", "config": {"basePath": "/srv"}}, {"connectorId": "{connector}"}],
    "decisions_create": [DECISION],
    "pipelines_create": [PIPELINE],
    "pipelines_change": [{key: PIPELINE[key] for key in ("name", "connectorId", "schemaId", "executionConfig")}],
    "pipelines_ir_create": [{"ir": PIPELINE["ir"], "comment": "Why.", "publish": False}],
    "pipelines_preview_create": [{"ir": PIPELINE["ir"], "dialect": "duckdb"}],
    "pipelines_publish_create": [{"version": 1}],
    "pipelines_pause_create": [{"reason": "Stock-taking"}],
    "pipelines_run_create": [{"version": 1}],
    "pipelines_sample_create": [{"ir": PIPELINE["ir"], "nodeId": "load", "limit": 5}],
    "pipelines_validate_create": [{"ir": PIPELINE["ir"]}],
    "pipelines_backfill_create": [
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "dryRun": True}
    ],
    "pipelines_trigger_secrets_create": [{"name": "Producer"}],
    "pipelines_trigger_secrets_rotate_create": [{"overlapHours": 1}],
    "schedules_preview_create": [
        {
            "schedule": {"kind": "cron", "expression": "0 9 * * 1-5", "timezone": "Europe/Berlin"}, "count": 3,
            "after": "2026-01-01T00:00:00Z", "lastRunAt": "2026-01-01T00:00:00Z",
        }
    ],
    "triggers_file_arrival_create": [
        {"pipelineId": "{pipeline}", "tenantId": "{tenant}", "objectKey": "inbox/_ready.json"}
    ],
    "schemas_create": [
        {
            "name": "orders_{fresh}", "displayName": "Orders", "description": "Of the shop.", "entityType": "custom",
            "schemaType": "customer", "fields": [FIELD],
        }
    ],
    "schemas_change": [{"displayName": "Orders", "description": "Of the shop.", "entityType": "custom"}],
    "schemas_data_create": [{"rows": [{"code": "a", "note": "b"}]}],
    "notifications_providers_create": [
        {"kind": "ops_email", "name": "Mail", "config": MAIL, "enabled": True},
        {"kind": "webhook", "name": "Hook", "config": HOOK, "enabled": True},
        {"kind": "slack", "name": "Chat", "config": {"webhookUrl": "https://hooks.slack.com/services/a/b/c"}},
        {"kind": "teams", "name": "Team", "config": {"webhookUrl": "https://x.webhook.office.com/webhookb2/a"}},
    ],
    "notifications_providers_change": [{"name": "Mail", "config": MAIL, "enabled": True}],
    "notifications_send_create": [
        {
            "providerIds": ["{destination}"], "subject": "S", "message": "M", "severity": "info",
            "link": "https://example.com/x", "extraPayload": {"a": [{"b": 1}]},
        }
    ],
    "reports_export_create": [
        {"dashboard": "business", "period": "7d", "format": "csv", "filters": {"channelId": "web", "segmentId": "gold"}}
    ],
    "reports_templates_create": [TEMPLATE],
    "reports_templates_preview_create": [{"timezone": "Europe/Berlin"}],
    "reports_templates_change": [TEMPLATE],
    "reports_schedules_create": [SCHEDULE],
    "reports_schedules_change": [SCHEDULE],
    "reports_schedules_preview_create": [{"cronExpression": "0 9 * * 1-5", "timezone": "Europe/Berlin", "count": 3}],
    "respond_create": [INTERACTION, OLDER_INTERACTION],
    "system_health_change": [{"pinned": True}],
    "tenant_settings_update": [
        {"timezone": "Europe/Berlin", "retentionDays": 30, "guardrails": {"maxAlertRules": 5, "llmMonthlyUsd": 1.5}}
    ],
}  # fmt: skip
# Routes whose body is the tenant's own: any key is kept.
TAKES_ANY_KEY = {"tenant_settings_update"}
# Routes that keep rows of tables, in which a text is as long as its column.
TAKES_ANY_TEXT = {"schemas_data_create"}
# Parameters without which a route does not look at the others.
NEEDED: dict[str, dict[str, str]] = {"lineage_retrieve": {"table": "ds_nothing"}}
# Routes that take whatever is sent and judge it: `valid` is the answer.
JUDGES = {"pipelines_validate_create"}
# Values for what lies deeper: its type, what can never be kept, and what breaks out of where it is put.
DEEPER = NEVER_TAKEN | {
    "null", "integer", "2**63", "fraction", "true", "text", "empty", "line feed", "direction override", "SQL", "HTML",
    "loopback", "empty list", "list of lists", "many", "object",
}  # fmt: skip
# What the parameter of an address is an id of.
IDS = {
    "rule_id": "rule", "key_id": "key", "delivery_id": "delivery", "provider_id": "destination", "alert_id": "health",
    "template_id": "template", "schedule_id": "schedule", "run_id": "run", "fmt": "format",
    "connector_id": "connector", "schema_id": "dataschema", "pipeline_id": "pipeline",
    "pipeline_run_id": "pipelinerun", "version": "version", "secret_id": "triggersecret", "occurrence_id": "occurrence",
}  # fmt: skip
OPERATIONS = [pytest.param(operation, id=operation.id) for operation in operations()]
WITH_BODY = [pytest.param(operation, id=operation.id) for operation in operations() if operation.body]
WITH_QUERY = [pytest.param(operation, id=operation.id) for operation in operations() if operation.named("query")]
WITH_PATH = [pytest.param(operation, id=operation.id) for operation in operations() if operation.named("path")]


class Caller:
    """Alice with a key, who sends one thing after another and notes what was answered badly."""

    def __init__(self, operation: Operation, key: str, world: dict[str, str]) -> None:
        self.operation = operation
        secrets = {"x-cron-token": CRON_TOKEN, "x-cron-secret": CRON_SECRET}
        self.client = Client(headers={"X-API-Key": key, **secrets}, raise_request_exception=False)
        self.world = world
        self.path = operation.path.format(**{name: world[kind] for name, kind in IDS.items()})
        self.wrong: list[str] = []

    @property
    def properties(self) -> dict[str, Any]:
        """Return the schemas of the body's fields."""
        body = self.operation.body or {}
        kinds = [resolve(kind) for kind in body.get("oneOf", [])]
        properties: dict[str, Any] = {}
        for kind in [*kinds, body]:
            properties |= kind.get("properties", {})
        return properties

    def examples(self) -> list[Any]:
        """Return the bodies that work."""
        assert self.operation.body is not None
        written = EXAMPLES.get(self.operation.id)
        return json.loads(_filled(json.dumps(written), self.world)) if written else [sample(self.operation.body)]

    def send(self, what: str, body: bytes, content_type: str = "application/json", path: str = "") -> Any:
        """Send a body; note a failure of ours, a status that is not documented, an error without its envelope."""
        body = body.replace(FRESH, uuid4().hex.encode())
        method, address = self.operation.method, path or self.path
        response: Any = self.client.generic(method, address, body, content_type=content_type)
        status = response.status_code
        if response.streaming:
            # A file: read to its end, as the test client closes it only then.
            b"".join(response.streaming_content)
        if status >= 500:
            self.wrong.append(f"{what}: {status} {response.content[:200]!r}")
        elif status not in self.operation.statuses and status != 405:
            self.wrong.append(f"{what}: {status} is not documented")
        elif status >= 400 and "error" not in _json(response):
            self.wrong.append(f"{what}: {status} without the envelope")
        return response

    def note(self, finding: str) -> None:
        """Keep a finding."""
        self.wrong.append(finding)

    def report(self) -> None:
        """Fail with everything that was found."""
        assert not self.wrong, f"{len(self.wrong)} findings:\n" + "\n".join(self.wrong[:25])


def _filled(text: str, world: dict[str, str]) -> str:
    for kind, row_id in world.items():
        text = text.replace("{" + kind + "}", row_id)
    return text


def _json(response: Any) -> dict[str, Any]:
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


@pytest.fixture
def world(alice: Person) -> dict[str, str]:
    """Return the ids of one of everything of Alice's; there is room for whatever is taken."""
    roomy = {"maxAlertRules": 10_000, "maxReportSchedules": 10_000, "maxPipelines": 10_000}
    alice.tenant.settings = {"guardrails": roomy}
    alice.tenant.save(update_fields=["settings"])
    return everything(alice)


def everything(alice: Person) -> dict[str, str]:
    """Make one of everything of Alice's; what stands in an address beside an id is named like one."""
    inbox = Path(settings.FLOW_LOCAL_FS_ROOTS[0]) / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "zanzibar.csv").write_text("code,note\na,b\n", encoding="utf-8")
    return {**furnish(alice.tenant, timezone.now()), "format": "csv", "version": "1", "tenant": str(alice.tenant.pk)}


def shown(path: tuple[str | int, ...]) -> str:
    """Return a path as errors write it: config.headers[0]."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def is_named(path: tuple[str | int, ...], fields: dict[str, Any]) -> bool:
    """Tell whether an error names the field at the path, or one above or beneath it."""
    wanted = shown(path)
    return any(name.startswith(wanted) or wanted.startswith(name) for name in fields)


def is_wrong_type(schema: dict[str, Any], value: Any) -> bool:
    """Tell whether the schema says that a value of this type cannot be."""
    schema = resolve(schema)
    if value is None:
        return "type" in schema and not schema.get("nullable")
    allowed = TYPES.get(schema.get("type", ""))
    if allowed is None or schema.get("nullable"):
        return False
    is_boolean_for_number = isinstance(value, bool) and bool not in allowed
    return is_boolean_for_number or not isinstance(value, allowed)


@pytest.mark.parametrize("operation", WITH_BODY)
def test_every_field_with_everything_that_it_is_not(operation: Operation, alice: Person, world: dict[str, str]) -> None:
    caller = Caller(operation, alice.key, world)
    seen: set[tuple[str, str | None]] = set()

    for example in caller.examples():
        accepted = caller.send("the example", encode(example))
        if accepted.status_code >= 400:
            caller.note(f"the example is refused: {accepted.content[:300]!r}")
        for path in places(example):
            if (shown(path), example.get("kind")) in seen or (
                len(path) == 1 and shown(path) in {path for path, _ in seen}
            ):
                continue
            seen.add((shown(path), example.get("kind")))
            for name in VALUES if len(path) == 1 else DEEPER:
                deviate(caller, example, path, name)

    caller.report()


def deviate(caller: Caller, example: Any, path: tuple[str | int, ...], name: str) -> None:
    """Send the example with one value at one place that is something else; note what is wrong with the answer."""
    what, value = f"{shown(path)} = {name}", VALUES[name]
    response = caller.send(what, encode(with_value(example, path, value)))
    must_refuse = name in NEVER_TAKEN
    if len(path) == 1:
        must_refuse |= is_wrong_type(caller.properties.get(str(path[0]), {}), value)
    is_judged = caller.operation.id in JUDGES and _json(response).get("valid") is False
    if must_refuse and response.status_code < 400 and not is_judged:
        caller.note(f"{what}: taken with {response.status_code}")
    if response.status_code in {400, 422} and not is_named(path, _fields(response)):
        caller.note(f"{what}: {response.status_code} names {list(_fields(response))}")


def _fields(response: Any) -> dict[str, Any]:
    fields = _json(response).get("error", {}).get("fields", {})
    return fields if isinstance(fields, dict) else {}


@pytest.mark.parametrize("operation", WITH_BODY)
def test_a_field_of_a_megabyte_is_refused_quickly_and_not_echoed(
    operation: Operation, alice: Person, world: dict[str, str]
) -> None:
    caller = Caller(operation, alice.key, world)

    for example in caller.examples():
        for path in places(example):
            response = caller.send(f"{shown(path)} = a megabyte", encode(with_value(example, path, HUGE)))
            is_free = "type" not in resolve(caller.properties[str(path[0])])
            if response.status_code < 400 and not is_free:
                caller.note(f"{shown(path)}: a megabyte is taken")
            if len(response.content) > 20_000:
                caller.note(f"{shown(path)}: {len(response.content):,} bytes come back")

    caller.report()


@pytest.mark.parametrize("operation", WITH_BODY)
def test_missing_unknown_and_repeated_fields_are_named(
    operation: Operation, alice: Person, world: dict[str, str]
) -> None:
    caller = Caller(operation, alice.key, world)
    example = caller.examples()[0]
    required = set((operation.body or {}).get("required", []))

    for name in example:
        less = {key: value for key, value in example.items() if key != name}
        response = caller.send(f"without {name}", encode(less))
        if name in required and name not in _fields(response):
            caller.note(f"without {name}: {response.status_code} names {list(_fields(response))}")
    for name in ("isAdmin", "tenantId", "id", "__proto__", "a\0b", "\ud800", "<b>", "x" * 1000):
        response = caller.send(f"with {name[:20]!a}", encode(example | {name: 1}))
        is_own = operation.id in TAKES_ANY_KEY and response.status_code == 200
        if not is_own and (response.status_code != 400 or not _fields(response)):
            caller.note(f"with {name[:20]!a}: {response.status_code} names {list(_fields(response))}")
    for name in sorted(NEVER_TAKEN):
        response = caller.send(f"with another field = {name}", encode(example | {"another": VALUES[name]}))
        if response.status_code != 400 or not is_named(("another",), _fields(response)):
            caller.note(f"with another field = {name}: {response.status_code} names {list(_fields(response))}")
    text = encode(example).decode()
    twice = f"{text[:-1]}, {json.dumps(next(iter(example)))}: 1}}".encode()
    response = caller.send("a field twice", twice)
    if response.status_code != 400 or next(iter(example)) not in _fields(response):
        caller.note(f"a field twice: {response.status_code} names {list(_fields(response))}")

    caller.report()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_body_that_is_none(operation: Operation, alice: Person, world: dict[str, str]) -> None:
    caller = Caller(operation, alice.key, world)
    expected = {"too big": 413, "a form": 415, "XML": 415, "an upload": 415}

    takes_none = operation.method in {"GET", "DELETE"}
    for name, (body, content_type) in BODIES.items():
        if takes_none and name not in {"invalid UTF-8", "too big", "an upload"}:
            continue
        response = caller.send(name, body, content_type)
        if operation.body is None:
            continue
        required = (operation.body or {}).get("required")
        if not 400 <= response.status_code < 500 and (required or name not in {"nothing", "no content type"}):
            caller.note(f"{name}: taken with {response.status_code}")
        if response.status_code != expected.get(name, response.status_code):
            caller.note(f"{name}: {response.status_code} instead of {expected[name]}")

    caller.report()


@pytest.mark.parametrize("operation", WITH_QUERY)
def test_every_parameter_with_everything_that_it_is_not(
    operation: Operation, alice: Person, world: dict[str, str]
) -> None:
    caller = Caller(operation, alice.key, world)

    for name in operation.named("query"):
        for what, text in TEXTS.items():
            needed = "".join(f"&{key}={value}" for key, value in NEEDED.get(operation.id, {}).items() if key != name)
            address = f"{caller.path}?{name}={quote(text)}{needed}"
            response = caller.send(f"{name} = {what}", b"", path=address)
            if response.status_code in {400, 422} and "NUL" not in what and name not in _fields(response):
                caller.note(f"{name} = {what}: {response.status_code} names {list(_fields(response))}")
        for raw in ("%FF%FE", "%ED%A0%80", "1&" + f"{name}=2", "x" * 8000):
            caller.send(f"{name} = {raw[:20]}", b"", path=f"{caller.path}?{name}={raw}")

    caller.report()


@pytest.mark.parametrize("operation", WITH_PATH)
def test_every_id_that_is_none_is_not_found(operation: Operation, alice: Person, world: dict[str, str]) -> None:
    caller = Caller(operation, alice.key, world)
    body = encode(caller.examples()[0]) if operation.body else b""

    for what, text in TEXTS.items():
        if not text.strip() or "/" in text:
            continue
        values = dict.fromkeys(operation.named("path"), quote(text, safe=""))
        response = caller.send(what, body, path=operation.path.format(**values))
        expected = {400} if "NUL" in what else {404}
        if response.status_code not in expected:
            caller.note(f"{what}: {response.status_code} instead of {expected}")

    caller.report()


def test_every_id_in_an_address_is_known_here() -> None:
    names = {name for operation in operations() for name in operation.named("path")}

    assert names <= set(IDS), "say in IDS what these are ids of"


def test_no_example_has_outlived_its_route() -> None:
    assert set(EXAMPLES) <= {operation.id for operation in operations() if operation.body}
