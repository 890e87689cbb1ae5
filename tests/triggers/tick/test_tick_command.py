"""`manage.py tick` and the Flow Scheduler."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from kaireon.platform.tenancy.models import Tenant
from tests.triggers.tick.world import DAY, HOURLY, runs_of, scheduled
from triggers.models import SchedulerTick

pytestmark = pytest.mark.django_db


def command(*arguments: str) -> str:
    """Run `manage.py tick` and return what it printed."""
    out = StringIO()
    call_command("tick", *arguments, stdout=out)
    return out.getvalue()


def a_due_pipeline(tenant: Tenant) -> Any:
    """Create a pipeline that is due by the real clock."""
    return scheduled(tenant, HOURLY, now=timezone.now() - DAY / 2)


def test_it_fires_what_is_due_beside_alerts_and_reports(acme: Tenant) -> None:
    pipeline = a_due_pipeline(acme)

    answer = json.loads(command("--json"))

    assert (answer["flows"]["dispatched"], len(runs_of(pipeline)), answer["errors"]) == (1, 1, [])
    assert {"alertsEvaluated", "reportsEvaluated"} < set(answer)
    row = SchedulerTick.objects.get()
    assert (row.source, bool(row.ticker), row.tenant_id) == ("command", True, None)


def test_flows_alone_say_nothing_of_the_others(acme: Tenant) -> None:
    a_due_pipeline(acme)

    assert list(json.loads(command("--json", "--only", "flows"))) == ["flows", "errors"]


@pytest.mark.parametrize("only", ["alerts", "reports"])
def test_others_alone_fire_nothing(acme: Tenant, only: str) -> None:
    pipeline = a_due_pipeline(acme)

    answer = json.loads(command("--json", "--only", only))

    assert ("flows" in answer, runs_of(pipeline)) == (False, [])


def test_one_tenant_alone(acme: Tenant, globex: Tenant) -> None:
    ours, theirs = a_due_pipeline(acme), a_due_pipeline(globex)

    command("--tenant", "acme")

    assert (len(runs_of(ours)), runs_of(theirs)) == (1, [])


def test_it_says_it_in_words(acme: Tenant) -> None:
    a_due_pipeline(acme)

    text = command("--only", "flows")

    assert "1 of 1 pipelines scheduled, 1 due in " in text
    assert "1 runs begin, 0 failed, 0 left for later" in text


def refuse(table: str) -> None:
    """Make the database refuse every row of a table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'boom'; END $$; "
            f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
        )


@pytest.mark.parametrize("table", ["flows_pipelinerun", "triggers_schedulertick"])
def test_a_failure_is_exit_code_1_and_stops_no_other_subsystem(acme: Tenant, table: str) -> None:
    a_due_pipeline(acme)
    refuse(table)
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("tick", "--json", stdout=out)

    answer = json.loads(out.getvalue())
    failed = answer.get("flows", {}).get("failed", 0) + len(answer["errors"])
    assert (ended.value.code, failed, answer["reportsEvaluated"]) == (1, 1, 0)
