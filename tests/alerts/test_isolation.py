"""One tenant's, or one rule's, failure never stops the others; the database itself does the failing, by a trigger."""

from django.db import connection

from alerts.models import AlertRule, Evaluation, Transition
from alerts.services import ticking
from interactions.metrics import Gauge, Metric, Unit, _registry
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.models import Tenant
from tests.alerts.world import MINUTE, NOW, breach, fresh, make_rule, make_webhook, statuses, tick, told
from tests.people import make_tenant
from tests.servers import Receiver


def poison(table: str, condition: str, event: str = "INSERT") -> None:
    """Make the database refuse rows of a table that meet a condition, as a broken disk page or a full one would."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE FUNCTION refuse_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'this row is poison' USING DETAIL = 'and this is none of the operator''s business';
            END $$;
            CREATE TRIGGER refuse BEFORE {event} ON {table} FOR EACH ROW
            WHEN ({condition}) EXECUTE FUNCTION refuse_{table}();
            """
        )


def heal(table: str) -> None:
    """Take the trigger away."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER refuse ON {table}")


def test_a_tenant_whose_rows_are_refused_does_not_stop_the_others(
    acme: Tenant, globex: Tenant, pager: Receiver
) -> None:
    healthy = [make_rule(globex, name=f"Rule {number}") for number in range(3)]
    told_rule = make_rule(globex, name="Told", channels=[str(make_webhook(globex, pager).pk)])
    sick = make_rule(acme)
    breach(acme)
    breach(globex)
    poison(Evaluation._meta.db_table, f"NEW.tenant_id = '{acme.pk}'")

    result = tick()

    assert (result.evaluated, result.fired) == (4, 4)
    assert [error.tenant_id for error in result.errors] == [acme.pk]
    assert "this row is poison" in result.errors[0].error
    assert str(sick.pk) in result.errors[0].error
    assert "business" not in result.errors[0].error
    assert all(fresh(rule).status == "fired" for rule in [*healthy, told_rule])
    assert [rule_id for _, rule_id, _ in told(pager.got)] == [str(told_rule.pk)]


def test_a_rule_whose_row_is_refused_does_not_stop_its_tenants_others(acme: Tenant) -> None:
    rules = [make_rule(acme, name=f"Rule {number}") for number in range(9)]
    sick = rules[4]
    breach(acme)
    poison(Evaluation._meta.db_table, f"NEW.rule_id = '{sick.pk}'")

    result = tick()

    assert (result.evaluated, result.fired, len(result.errors)) == (8, 8, 1)
    assert str(sick.pk) in result.errors[0].error


def test_what_a_failed_rule_wrote_before_it_failed_is_undone(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    poison(Evaluation._meta.db_table, f"NEW.rule_id = '{rule.pk}'")

    tick()

    assert (pager.got, Transition.objects.for_tenant(acme).count()) == ([], 0)
    assert (fresh(rule).status, fresh(rule).last_evaluated_at, fresh(rule).open_incident_id) == ("ok", None, None)


def test_a_healed_rule_is_evaluated_by_the_next_tick(acme: Tenant) -> None:
    rule = make_rule(acme)
    breach(acme)
    table = Evaluation._meta.db_table
    poison(table, f"NEW.rule_id = '{rule.pk}'")
    tick()
    heal(table)

    result = tick(NOW + MINUTE)

    assert (result.errors, result.fired) == ([], 1)


def test_a_tenant_that_fails_as_a_whole_is_given_up_before_each_of_its_rules_was_tried(acme: Tenant) -> None:
    rules = [make_rule(acme, name=f"Rule {number}") for number in range(64)]
    poison(Evaluation._meta.db_table, f"NEW.tenant_id = '{acme.pk}'")

    result = tick()

    assert result.evaluated == 0
    assert len(result.errors) < len(rules)
    assert {error.tenant_id for error in result.errors} == {acme.pk}


def test_a_poisoned_tenant_among_many_costs_only_itself(db: None) -> None:
    tenants = [make_tenant(f"Tenant{number}") for number in range(12)]
    for tenant in tenants:
        make_rule(tenant)
        make_rule(tenant, name="Second")
    poison(AlertRule._meta.db_table, f"NEW.tenant_id = '{tenants[5].pk}'", "UPDATE")

    result = tick()

    assert result.evaluated == 22
    assert {error.tenant_id for error in result.errors} == {tenants[5].pk}


def test_a_tenant_whose_transitions_cannot_be_settled_does_not_stop_the_others(
    acme: Tenant, globex: Tenant, pager: Receiver
) -> None:
    for tenant in (acme, globex):
        make_rule(tenant, channels=[str(make_webhook(tenant, pager).pk)])
        breach(tenant)
    poison(Transition._meta.db_table, f"NEW.tenant_id = '{acme.pk}'", "UPDATE")

    result = tick()

    assert {error.tenant_id for error in result.errors} == {acme.pk}
    assert {entry.tenant_id for entry in result.entries} == {acme.pk, globex.pk}
    assert AlertRule.objects.for_tenant(globex).get().last_fired_at == NOW
    assert len(pager.got) == 2


def test_what_could_not_be_settled_is_settled_later_and_not_sent_again(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)], cooldown_minutes=0)
    breach(acme)
    table = Transition._meta.db_table
    poison(table, "true", "UPDATE")
    tick()
    heal(table)

    result = tick(NOW + MINUTE / 4)

    assert (statuses(result), len(pager.got)) == (["cooldown"], 1)
    assert fresh(rule).last_fired_at == NOW


def test_a_metric_that_raises_costs_only_its_rules(acme: Tenant) -> None:
    def fail(windows: object) -> dict[object, float | None]:
        raise RuntimeError("the gauge is broken")

    metric = Metric("broken_gauge", "Broken", Unit.COUNT, "It raises.", Gauge(fail))  # type: ignore[arg-type]
    sick = make_rule(acme, name="Sick")
    AlertRule.objects.for_tenant(acme).filter(pk=sick.pk).update(metric="broken_gauge")
    make_rule(acme, name="Well")
    breach(acme)
    _registry["broken_gauge"] = metric
    try:
        result = tick()
    finally:
        del _registry["broken_gauge"]

    assert (result.evaluated, result.fired) == (1, 1)
    assert "the gauge is broken" in result.errors[0].error


def test_the_budget_bounds_the_search_for_a_failure(acme: Tenant) -> None:
    for number in range(4):
        make_rule(acme, name=f"Rule {number}")
    poison(Evaluation._meta.db_table, f"NEW.tenant_id = '{acme.pk}'")
    moments = iter([0.0, 0.0, 0.0, 0.0] + [99.0] * 100)
    budget = Budget(50, monotonic=lambda: next(moments))

    result = ticking.run_tick(now=NOW, budget=budget)

    assert result.evaluated == 0
    assert result.remaining >= 4
