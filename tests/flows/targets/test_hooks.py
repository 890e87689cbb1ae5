"""Hooks around a load: in its transaction, confined to the tenant, and webhooks after the commit."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from django.db import connection

from flows.targets.base import Loaded, TargetRefused
from flows.targets.hooks import after_commit_hooks
from kaireon.platform.http import operator_session
from tests.flows.targets.conftest import World, target_of

ROWS = pa.table({"id": pa.array([1, 2])})


@pytest.fixture(autouse=True)
def _table(world: World) -> None:
    world.make("id bigint")


def sql(statement: str) -> dict[str, str]:
    """Return a hook of SQL."""
    return {"type": "sql", "statement": statement}


def settings() -> tuple[Any, ...]:
    """Return what hooks change while they run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('search_path'), current_setting('statement_timeout'), "
            "current_setting('lock_timeout'), current_setting('transaction_read_only')"
        )
        return tuple(cursor.fetchone())


def test_hooks_run_before_and_after_the_rows(world: World) -> None:
    before = sql("SELECT 1 / (1 - count(*)) FROM ds_orders")
    after = sql("SELECT 1 / (count(*) - 1) FROM ds_orders")

    world.load(target_of(preHook=before, postHook=after), ROWS)

    assert len(world.rows()) == 2


@pytest.mark.parametrize("when", [pytest.param("preHook", id="before"), pytest.param("postHook", id="after")])
def test_a_hook_that_fails_undoes_the_load(world: World, when: str) -> None:
    with pytest.raises(TargetRefused, match=r"The hook of public\.ds_orders failed: division by zero"):
        world.load(target_of(**dict[str, Any]({when: sql("SELECT 1 / 0")})), ROWS)

    assert world.rows() == []


def test_a_refused_hook_is_found_before_anything(world: World) -> None:
    with pytest.raises(TargetRefused, match=r"^postHook: A hook must not DROP"):
        world.load(target_of(postHook=sql("DROP TABLE ds_orders")), ROWS)


def test_settings_of_a_hook_end_with_it(world: World) -> None:
    before = settings()

    world.load(target_of(preHook=sql("SELECT 1"), postHook=sql("ANALYZE ds_orders")), ROWS)

    assert settings() == before


def test_a_name_of_with_that_is_not_in_scope_reaches_nothing(world: World) -> None:
    hook = sql("WITH a AS (SELECT * FROM tenancy_tenant), tenancy_tenant AS (SELECT 1) SELECT * FROM a")

    with pytest.raises(TargetRefused, match='relation "tenancy_tenant" does not exist'):
        world.load(target_of(postHook=hook), ROWS)


def test_an_index_is_made_in_the_tenants_schema(world: World) -> None:
    world.load(target_of(postHook=sql("CREATE INDEX by_id ON ds_orders (id)")), ROWS)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE schemaname = 't_acme' AND indexname = 'by_id'")
        assert cursor.fetchone() == (1,)


def test_a_materialised_view_is_refreshed(world: World) -> None:
    world.run("CREATE MATERIALIZED VIEW t_acme.ds_count AS SELECT count(*) AS n FROM t_acme.ds_orders")

    world.load(target_of(postHook={"type": "refresh", "view": "ds_count"}), ROWS)

    assert world.rows("n", "ds_count") == [(2,)]


def test_a_function_of_the_tenant_is_called_with_the_run(world: World) -> None:
    world.make("run uuid, given jsonb", "ds_calls")
    world.run(
        "CREATE FUNCTION t_acme.ds_noted(uuid, jsonb) RETURNS void LANGUAGE sql "
        "AS 'INSERT INTO t_acme.ds_calls VALUES ($1, $2)'"
    )
    hook = {"type": "custom_function", "name": "ds_noted", "arguments": {"a": "it's"}}

    world.load(target_of(postHook=hook), ROWS)

    assert world.rows("run, given->>'a'", "ds_calls") == [(world.context.run_id, "it's")]


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        pytest.param({"type": "refresh", "view": "ds_orders"}, "is no materialised view", id="table"),
        pytest.param({"type": "refresh", "view": "ds_none"}, "is no materialised view", id="no-view"),
        pytest.param({"type": "custom_function", "name": "ds_none"}, "There is no function", id="no-function"),
    ],
)
def test_a_hook_of_something_that_is_not_there_is_refused(world: World, hook: dict[str, Any], message: str) -> None:
    with pytest.raises(TargetRefused, match=message):
        world.load(target_of(postHook=hook), ROWS)


def test_a_webhook_cannot_come_before_the_load(world: World) -> None:
    with pytest.raises(TargetRefused, match="can only be the postHook"):
        world.load(target_of(preHook={"type": "webhook", "url": "https://example.com/x"}), ROWS)


class _Listener(http.server.BaseHTTPRequestHandler):
    bodies: list[Any]
    status = 200

    def do_POST(self) -> None:
        """Keep what was sent."""
        type(self).bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[type[_Listener]]:
    """Return a real server that keeps what it is told."""
    handler = type("Listener", (_Listener,), {"bodies": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.url = f"http://127.0.0.1:{server.server_port}/hook"  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield handler
    server.shutdown()
    server.server_close()


def written(world: World, url: str) -> Any:
    """Return a target with a webhook that was written to."""
    target = target_of(postHook={"type": "webhook", "url": url})
    return [(target, world.context, Loaded(rows_written=2, rows_skipped=1, strategy="append"))]


def test_a_webhook_is_told_what_was_written(world: World, listener: Any) -> None:
    warnings = after_commit_hooks(written(world, listener.url), session=operator_session())

    assert warnings == ()
    assert listener.bodies == [{
        "runId": str(world.context.run_id), "pipelineId": str(world.context.pipeline_id), "nodeId": "out",
        "table": "public.ds_orders", "loadMode": "append", "rowsWritten": 2, "rowsSkipped": 1,
        "at": "2026-11-02T09:30:00+00:00",
    }]  # fmt: skip


def test_a_webhook_that_does_not_take_it_is_a_warning(world: World, listener: Any) -> None:
    listener.status = 500

    warnings = after_commit_hooks(written(world, listener.url), session=operator_session())

    assert warnings == ("out: the webhook answered 500.",)


def test_a_webhook_to_a_private_address_is_not_called(world: World, listener: Any) -> None:
    (warning,) = after_commit_hooks(written(world, listener.url))

    assert "Not sent" in warning
    assert listener.bodies == []
