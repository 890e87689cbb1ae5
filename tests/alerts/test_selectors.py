"""What pages ask: firing now, every rule with its last day, the timeline folded, backtests of drafts."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts.decisions import NoDataPolicy, Operator
from alerts.models import Evaluation
from alerts.selectors import (
    backtest_draft,
    backtest_rule,
    count_rules,
    firing_now,
    fold_timeline,
    incidents_of,
    make_draft,
    rule_overview,
    rule_overviews,
    timeline_lines,
    timeline_of,
    transitions_of,
    try_rule,
)
from alerts.services import acknowledge_rule, mute_rule
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.alerts.world import HOUR, MINUTE, NOW, breach, calm, fresh, make_rule, make_webhook, record_traces, tick
from tests.servers import Receiver, Reply

# --- firing now


def test_firing_now_says_since_when_and_who_was_told(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)], cooldown_minutes=1)
    breach(acme)
    tick()
    tick(NOW + MINUTE)

    (firing,) = firing_now(acme)

    assert (firing.rule, firing.incident.opened_at, firing.number) == (rule, NOW, 2)
    assert firing.last_told_at == NOW + MINUTE
    assert [(line.name, line.kind, line.state) for line in firing.told] == [("Pager", "webhook", "delivered")]


def test_an_incident_that_nobody_was_told_of_is_firing_all_the_same(acme: Tenant) -> None:
    rule = make_rule(acme)
    mute_rule(tenant=acme, rule_id=rule.pk, until=NOW + HOUR, actor=SYSTEM, now=NOW - MINUTE)
    breach(acme)
    tick()

    (firing,) = firing_now(acme)

    assert (firing.number, firing.last_told_at, firing.told) == (0, None, [])


def test_what_ended_and_what_is_anothers_is_not_firing_now(acme: Tenant, globex: Tenant) -> None:
    make_rule(acme)
    breach(acme)
    tick()
    theirs = firing_now(globex)
    calm(acme, NOW + 10 * MINUTE)
    tick(NOW + 10 * MINUTE)

    assert (theirs, firing_now(acme)) == ([], [])


def test_firing_now_takes_three_queries_however_many_fire(acme: Tenant, pager: Receiver) -> None:
    channel = str(make_webhook(acme, pager).pk)
    for number in range(12):
        make_rule(acme, name=f"Rule {number}", channels=[channel])
    breach(acme)
    tick()

    with CaptureQueriesContext(connection) as captured:
        assert len(firing_now(acme)) == 12

    assert len(captured) == 3


# --- every rule


def test_a_rule_shows_its_condition_last_value_and_next_possible_firing(acme: Tenant) -> None:
    rule = make_rule(acme)
    breach(acme)
    tick()

    overview = rule_overview(acme, rule.pk, now=NOW + MINUTE)

    assert overview.condition == "degraded_scoring_rate > 0.2 over 5 min"
    assert (overview.rule.last_observed, overview.next_possible_at) == (0.3, NOW + HOUR)
    assert (overview.unit, overview.metric_label, overview.is_muted) == ("ratio", "Degraded scoring rate", False)


def test_an_acknowledged_rule_has_no_next_possible_firing(acme: Tenant) -> None:
    rule = make_rule(acme)
    breach(acme)
    tick()
    acknowledge_rule(tenant=acme, rule_id=rule.pk, actor=SYSTEM, now=NOW)

    assert rule_overview(acme, rule.pk, now=NOW + 2 * HOUR).next_possible_at is None


def test_the_sparkline_holds_the_last_value_of_each_half_hour(acme: Tenant) -> None:
    rule = make_rule(acme)
    for back, degraded in ((24, 9), (23.5, 1), (1, 2), (0.6, 3), (0, 5)):
        at = NOW - timedelta(hours=back)
        record_traces(acme, at, degraded=degraded, fine=10 - degraded)
        tick(at)

    line = rule_overview(acme, rule.pk, now=NOW).sparkline

    assert len(line) == 48
    assert (line[0], line[1], line[-3], line[-2], line[-1]) == (0.1, None, 0.2, 0.3, 0.5)


def test_rules_page_by_key_in_a_fixed_number_of_queries(acme: Tenant, globex: Tenant) -> None:
    rules = [make_rule(acme, name=f"Rule {number}") for number in range(7)]
    make_rule(globex)
    seen, after = [], None

    with CaptureQueriesContext(connection) as captured:
        for _ in range(3):
            page = rule_overviews(acme, now=NOW, after=after, limit=3)
            seen += [overview.rule.pk for overview in page]
            after = (page[-1].rule.created_at, page[-1].rule.pk)

    assert sorted(seen) == sorted(rule.pk for rule in rules)
    assert len(captured) == 6
    assert count_rules(acme) == 7


# --- the timeline


def test_lines_in_a_row_with_one_reason_fold_into_one(acme: Tenant) -> None:
    rule = make_rule(acme)
    breach(acme, NOW)
    for minute in range(4):
        tick(NOW + minute * MINUTE)

    folds = fold_timeline(timeline_lines(list(timeline_of(acme, rule).order_by("-at"))))

    assert [(fold.line.reason, fold.count) for fold in folds if fold.line] == [("cooldown", 3), ("fired", 1)]
    assert (folds[0].first_at, folds[0].last_at) == (NOW + MINUTE, NOW + 3 * MINUTE)


def test_firings_never_fold(acme: Tenant) -> None:
    rule = make_rule(acme, cooldown_minutes=0)
    for minute in range(3):
        breach(acme, NOW + minute * MINUTE)
        tick(NOW + minute * MINUTE)

    folds = fold_timeline(timeline_lines(list(timeline_of(acme, rule).order_by("-at"))))

    assert [fold.count for fold in folds] == [1, 1, 1]


def test_hours_without_a_tick_are_a_gap_that_can_be_seen(acme: Tenant) -> None:
    rule = make_rule(acme)
    for at in (NOW, NOW + 5 * HOUR):
        tick(at)

    folds = fold_timeline(timeline_lines(list(timeline_of(acme, rule).order_by("-at"))))

    assert [fold.line is None for fold in folds] == [False, True, False]
    assert (folds[1].first_at, folds[1].last_at) == (NOW, NOW + 5 * HOUR)


def test_nothing_folds_into_nothing() -> None:
    assert fold_timeline([]) == []


def test_timeline_lines_take_two_queries(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)], cooldown_minutes=0)
    for minute in range(5):
        breach(acme, NOW + minute * MINUTE)
        tick(NOW + minute * MINUTE)
    rows = list(Evaluation.objects.for_tenant(acme).filter(rule=rule))

    with CaptureQueriesContext(connection) as captured:
        lines = timeline_lines(rows)

    assert len(captured) == 2
    assert all(len(line.deliveries) == 1 for line in lines)


def test_a_rules_transitions_come_with_what_became_of_them(acme: Tenant, pager: Receiver) -> None:
    pager.script = lambda got: Reply(status=400)
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()

    ((transition, deliveries),) = transitions_of(acme, rule)

    assert (transition.kind, transition.outcome) == ("fired", "failed")
    assert (deliveries[0].is_failed, "400" in deliveries[0].error) == (True, True)
    assert [incident.opened_at for incident in incidents_of(acme, rule)] == [NOW]


# --- trials and backtests


def test_a_trial_of_a_rule_in_cooldown_notifies_nobody(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()

    trial = try_rule(fresh(rule), NOW + MINUTE)

    assert (trial.decision.status, trial.would_notify) == ("cooldown", [])
    assert "in cooldown until" in trial.reason


def test_a_trial_names_a_deleted_destination_by_its_id(acme: Tenant, pager: Receiver) -> None:
    destination = make_webhook(acme, pager)
    rule = make_rule(acme, channels=[str(destination.pk)])
    breach(acme)
    destination.delete()

    (named,) = try_rule(rule, NOW).would_notify

    assert (named.provider_id, named.kind, named.name) == (destination.pk or named.provider_id, "", "")


def test_a_backtest_finds_the_breach_of_the_past(acme: Tenant) -> None:
    rule = make_rule(acme)
    breach(acme, NOW - 3 * HOUR)

    backtest = backtest_rule(rule, days=1, now=NOW)

    assert (backtest.fires, backtest.resolves) == (1, 1)
    fired = next(line for line in backtest.lines if line.step.decision.fires)
    assert NOW - 3 * HOUR <= fired.step.at <= NOW - 3 * HOUR + 5 * MINUTE
    assert backtest.evaluations == len(backtest.points) == 1440


def test_a_backtest_agrees_with_the_ticks_it_plays(acme: Tenant) -> None:
    rule = make_rule(acme, cooldown_minutes=7, pending_minutes=2)
    for minute in (50, 49, 48, 47, 30, 29, 28, 10):
        breach(acme, NOW - minute * MINUTE)
    calm(acme, NOW - 40 * MINUTE)

    played = backtest_rule(rule, days=1, now=NOW)
    for back in reversed(range(60)):
        tick(NOW - back * MINUTE)

    reasons = {line.step.at: line.step.decision.reason for line in played.lines if line.step.decision.fires}
    fired = Evaluation.objects.for_tenant(acme).filter(reason="fired").order_by("at")
    assert list(reasons) == [row.at for row in fired]
    assert reasons


def test_a_draft_is_played_without_being_saved(acme: Tenant) -> None:
    draft = make_draft(
        tenant_id=acme.pk, metric="decision_count", operator=Operator.GT, threshold=0, window_minutes=60,
        cooldown_minutes=60, pending_minutes=0, no_data_policy=NoDataPolicy.OK, notify_resolved=True,
    )  # fmt: skip
    record_traces(acme, NOW - 5 * HOUR, fine=3)

    backtest = backtest_draft(draft, days=7, now=NOW)

    assert (backtest.fires, backtest.step_minutes, backtest.evaluations) == (1, 15, 672)
    assert (backtest.messages, count_rules(acme)) == ([], 0)


def test_a_long_backtest_widens_its_step_instead_of_growing(acme: Tenant) -> None:
    backtest = backtest_rule(make_rule(acme), days=30, now=NOW)

    assert backtest.evaluations <= 12_000
    assert backtest.step_minutes == 4


def test_a_backtest_of_an_unknown_metric_says_so(acme: Tenant) -> None:
    backtest = backtest_rule(make_rule(acme, metric="nothing_measures_this"), days=1, now=NOW)

    assert (backtest.fires, [line.step.decision.status for line in backtest.lines]) == (0, ["unsupported_metric"])


def test_a_backtest_with_more_lines_than_a_page_can_hold_says_so(acme: Tenant) -> None:
    rule = make_rule(acme, metric="decision_count", operator="lt", threshold=1, cooldown_minutes=0)

    backtest = backtest_rule(rule, days=1, now=NOW)

    assert (backtest.fires, len(backtest.lines), backtest.is_truncated) == (1440, 1000, True)
