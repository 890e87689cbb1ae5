"""The batched evaluator against PostgreSQL: each metric's meaning, windows, tenants, and how many queries it takes."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interactions import metrics
from interactions.decisions import Window
from interactions.metrics import Gauge, UnknownMetric
from interactions.models import DecisionTrace, Interaction
from interactions.selectors import MetricRequest, read_metrics, read_windows
from kaireon.platform.tenancy.models import Tenant
from tests.interactions.history import NOON, interaction, minutes, save, trace
from tests.interactions.test_percentiles import naive_percentile

WINDOW = minutes(5)
INSIDE = NOON - minutes(1)


def read(tenant: Tenant, metric: str, end: datetime = NOON, width: timedelta = WINDOW) -> float | None:
    """Read one metric over the window that ends at `end`."""
    request = MetricRequest.ending(tenant.pk, metric, end, width)
    return read_metrics([request])[request]


def outcomes(tenant: Tenant, **counts: int) -> list[Interaction]:
    """Return so many interactions of each outcome, inside the window."""
    return [interaction(tenant, outcome, INSIDE) for outcome, count in counts.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("metric", "counts", "expected"),
    [
        pytest.param("acceptance_rate", {"impression": 4, "accept": 1}, 0.25, id="an acceptance is positive"),
        pytest.param("acceptance_rate", {"impression": 4, "click": 1, "convert": 1}, 0.5, id="so are others"),
        pytest.param("acceptance_rate", {"impression": 4, "requested_info": 1}, 0.25, id="so is a question"),
        pytest.param("acceptance_rate", {"impression": 4, "dismiss": 2, "expired": 1}, 0.0, id="others are not"),
        pytest.param("acceptance_rate", {"impression": 4, "not_presented": 4, "accept": 1}, 0.25, id="unseen is none"),
        pytest.param("acceptance_rate", {"accept": 3}, None, id="without impressions there is no rate"),
        pytest.param("ctr", {"impression": 10, "click": 2, "convert": 1}, 0.3, id="clicks and conversions"),
        pytest.param("ctr", {"impression": 10, "accept": 3}, 0.0, id="an acceptance is no click"),
        pytest.param("ctr", {}, None, id="no data, no rate"),
    ],
)  # fmt: skip
def test_a_rate_of_outcomes(acme: Tenant, metric: str, counts: dict[str, int], expected: float | None) -> None:
    save(*outcomes(acme, **counts))

    assert read(acme, metric) == expected


def test_an_impression_of_the_tenants_own_outcome_type_counts(acme: Tenant) -> None:
    seen = interaction(acme, "impression", INSIDE)
    seen.outcome = "mail_opened"
    save(seen, interaction(acme, "click", INSIDE))

    assert read(acme, "ctr") == 1.0


@pytest.mark.parametrize(("values", "expected"), [([], 0.0), ([10, "0.1", "0.2"], 10.3), ([5, -2], 3.0)])
def test_revenue_adds_up_exactly_and_is_0_without_data(acme: Tenant, values: list[object], expected: float) -> None:
    save(*(interaction(acme, "convert", INSIDE, value=value) for value in values))

    assert read(acme, "revenue") == expected


@pytest.mark.parametrize(
    ("metric", "traces", "expected"),
    [
        pytest.param("selection_frequency", [{"selected_count": 2}, {"selected_count": 0}], 0.5, id="selected or not"),
        pytest.param("degraded_scoring_rate", [{"degraded_scoring": True}, {}, {}, {}], 0.25, id="degraded"),
        pytest.param(
            "suppression_rate",
            [
                {"after_qualification": 10, "after_contact_policy": 4},
                {"after_qualification": 30, "after_contact_policy": 26},
            ],
            0.25,
            id="a ratio of sums and not a mean of ratios",
        ),
        pytest.param(
            "suppression_rate", [{"after_qualification": 0, "after_contact_policy": 0}], None, id="nothing qualified"
        ),
        pytest.param("empty_candidate_rate", [{"final_count": 0}, {"final_count": 3}], 0.5, id="empty"),
        pytest.param("error_rate", [{"status_code": 500}, {"status_code": 499}], 0.5, id="5xx and not 4xx"),
        pytest.param("decision_count", [{}, {}, {}], 3.0, id="count"),
        pytest.param("decision_count", [], 0.0, id="a count is 0 without data"),
        pytest.param("latency_p99", [{"total_latency_ms": float(n)} for n in range(1, 102)], 100.0, id="p99"),
        pytest.param("latency_p99", [{"total_latency_ms": 10.0}, {"total_latency_ms": 20.0}], 19.9, id="interpolated"),
        *(
            pytest.param(name, [], None, id=f"{name} without data")
            for name in ("selection_frequency", "degraded_scoring_rate", "suppression_rate", "latency_p99")
        ),
    ],
)  # fmt: skip
def test_a_metric_of_decisions(
    acme: Tenant, metric: str, traces: list[dict[str, object]], expected: float | None
) -> None:
    save(*(trace(acme, INSIDE, **fields) for fields in traces))

    assert read(acme, metric) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["decision_count", "latency_p99"])
def test_a_window_has_its_start_and_not_its_end(acme: Tenant, metric: str) -> None:
    microsecond = timedelta(microseconds=1)
    save(
        trace(acme, NOON - WINDOW - microsecond, total_latency_ms=1.0),
        trace(acme, NOON - WINDOW, total_latency_ms=2.0),
        trace(acme, NOON - microsecond, total_latency_ms=2.0),
        trace(acme, NOON, total_latency_ms=4.0),
    )

    assert read(acme, metric) == 2.0


def test_current_and_baseline_windows_meet_without_overlap(acme: Tenant) -> None:
    save(*(trace(acme, NOON - minutes(count)) for count in (1, 5, 6, 10, 11)))
    current = MetricRequest.ending(acme.pk, "decision_count", NOON, WINDOW)

    values = read_metrics([current, current.preceding()])

    assert values == {current: 2.0, current.preceding(): 2.0}


def test_each_tenant_sees_its_own_rows_only(acme: Tenant, globex: Tenant) -> None:
    save(trace(acme, INSIDE), trace(acme, INSIDE), trace(globex, INSIDE, total_latency_ms=99.0))
    counted = {tenant: MetricRequest.ending(tenant.pk, "decision_count", NOON, WINDOW) for tenant in (acme, globex)}
    timed = {tenant: MetricRequest.ending(tenant.pk, "latency_p99", NOON, WINDOW) for tenant in (acme, globex)}

    values = read_metrics([*counted.values(), *timed.values()])

    assert [values[counted[acme]], values[counted[globex]]] == [2.0, 1.0]
    assert [values[timed[acme]], values[timed[globex]]] == [40.0, 99.0]


def test_a_tenant_that_is_not_there_has_no_data(acme: Tenant) -> None:
    stranger = uuid.uuid4()
    count = MetricRequest.ending(stranger, "decision_count", NOON, WINDOW)
    rate = MetricRequest.ending(stranger, "ctr", NOON, WINDOW)
    save(trace(acme, INSIDE), interaction(acme, at=INSIDE))

    assert read_metrics([count, rate]) == {count: 0.0, rate: None}


@pytest.mark.parametrize("metric", ["decision_count", "revenue", "ctr", "latency_p99"])
def test_an_empty_or_reversed_window_has_no_data(acme: Tenant, metric: str) -> None:
    save(trace(acme, NOON), interaction(acme, at=NOON))
    empty = MetricRequest(acme.pk, metric, NOON, NOON)
    reversed_ = MetricRequest(acme.pk, metric, NOON + minutes(1), NOON - minutes(1))

    values = read_metrics([empty, reversed_])

    nothing = 0.0 if metric in {"decision_count", "revenue"} else None
    assert values == {empty: nothing, reversed_: nothing}


def test_values_over_shared_windows_come_back_in_the_order_of_their_places(acme: Tenant) -> None:
    save(trace(acme, INSIDE), trace(acme, INSIDE, total_latency_ms=50.0), trace(acme, NOON - minutes(6)))
    windows = [Window(acme.pk, NOON - WINDOW, NOON), Window(acme.pk, NOON - 2 * WINDOW, NOON - WINDOW)]

    found = read_windows(windows, {"decision_count": [1, 0, 1], "error_rate": [0], "latency_p99": [1, 1]})

    assert found == {"decision_count": [1.0, 2.0, 1.0], "error_rate": [0.0], "latency_p99": [40.0, 40.0]}


def test_no_requests_take_no_query(db: None, django_assert_num_queries: Callable[..., CaptureQueriesContext]) -> None:
    with django_assert_num_queries(0):
        assert read_metrics([]) == {}


def test_an_unknown_metric_is_refused_before_anything_is_read(
    acme: Tenant, django_assert_num_queries: Callable[..., CaptureQueriesContext]
) -> None:
    with django_assert_num_queries(0), pytest.raises(UnknownMetric):
        read(acme, "no_such_metric")


WINDOW_METRICS = [metric.name for metric in metrics.catalogue() if not isinstance(metric.formula, Gauge)]


@pytest.mark.parametrize("tenants", [1, 7])
@pytest.mark.parametrize("widths", [[5], [1, 5, 7, 60, 1440]])
def test_every_metric_of_every_tenant_and_window_takes_three_queries(
    db: None, tenants: int, widths: list[int], django_assert_num_queries: Callable[..., CaptureQueriesContext]
) -> None:
    ids = [Tenant.objects.create(name=f"T{n}", slug=f"t{n}", data_schema=f"t_{n}").pk for n in range(tenants)]
    current = [
        MetricRequest.ending(tenant_id, name, NOON, minutes(width))
        for tenant_id in ids
        for name in WINDOW_METRICS
        for width in widths
    ]
    requests = [*current, *(request.preceding() for request in current)]

    with django_assert_num_queries(3):
        values = read_metrics(requests)

    assert values.keys() == set(requests)


# --- The property: whatever is asked of whatever data, the batch says what reading row by row says.

RANDOM_OUTCOMES = ["impression", "click", "convert", "accept", "dismiss", "not_presented", "expired"]
MINUTE = st.integers(0, 12)
SOMEBODY = st.integers(0, 2)
INTERACTIONS = st.lists(
    st.tuples(SOMEBODY, MINUTE, st.sampled_from(RANDOM_OUTCOMES), st.none() | st.integers(-500, 500)), max_size=25
)
TRACES = st.lists(
    st.tuples(SOMEBODY, MINUTE, st.integers(0, 4), st.integers(0, 3), st.booleans(), st.sampled_from([200, 404, 500])),
    max_size=25,
)
REQUESTS = st.lists(st.tuples(SOMEBODY, st.sampled_from(WINDOW_METRICS), MINUTE, MINUTE), max_size=20)


def naive(request: MetricRequest, seen: list[Interaction], decided: list[DecisionTrace]) -> float | None:
    """Evaluate one request by reading every row."""
    rows = [r for r in seen if r.tenant_id == request.tenant_id and request.start <= r.occurred_at < request.end]
    traces = [t for t in decided if t.tenant_id == request.tenant_id and request.start <= t.occurred_at < request.end]
    shown = sum(r.outcome == "impression" for r in rows)
    qualified = sum(t.after_qualification for t in traces)
    ratios = {
        "acceptance_rate": (sum(r.classification == "positive" for r in rows), shown),
        "ctr": (sum(r.outcome in {"click", "convert"} for r in rows), shown),
        "selection_frequency": (sum(t.selected_count > 0 for t in traces), len(traces)),
        "degraded_scoring_rate": (sum(t.degraded_scoring for t in traces), len(traces)),
        "suppression_rate": (qualified - sum(t.after_contact_policy for t in traces), qualified),
        "empty_candidate_rate": (sum(t.final_count == 0 for t in traces), len(traces)),
        "error_rate": (sum(t.status_code >= 500 for t in traces), len(traces)),
    }
    if request.metric in ratios:
        numerator, denominator = ratios[request.metric]
        return numerator / denominator if denominator else None
    if request.metric == "latency_p99":
        return naive_percentile([t.total_latency_ms for t in traces], 0.99)
    if request.metric == "revenue":
        return float(sum((r.conversion_value or Decimal(0) for r in rows), Decimal(0)))
    assert request.metric == "decision_count"
    return float(len(traces))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(interactions=INTERACTIONS, traces=TRACES, asked=REQUESTS)
def test_the_batch_equals_reading_row_by_row(
    db: None,
    interactions: list[tuple[int, int, str, int | None]],
    traces: list[tuple[int, int, int, int, bool, int]],
    asked: list[tuple[int, str, int, int]],
) -> None:
    with transaction.atomic():
        people = [Tenant.objects.create(name=f"P{n}", slug=f"p{n}", data_schema=f"t_p{n}") for n in range(3)]
        seen = [
            interaction(people[who], outcome, NOON + minutes(minute), value=value)
            for who, minute, outcome, value in interactions
        ]
        decided = [
            trace(
                people[who], NOON + minutes(minute), after_qualification=many + 1, after_contact_policy=many // 2,
                final_count=few, selected_count=few, degraded_scoring=is_degraded, status_code=status,
                total_latency_ms=float(many * 10 + few),
            )
            for who, minute, many, few, is_degraded, status in traces
        ]  # fmt: skip
        save(*seen, *decided)
        requests = [
            MetricRequest(people[who].pk, name, NOON + minutes(first), NOON + minutes(last))
            for who, name, first, last in asked
        ]

        values = read_metrics(requests)

        assert values == {request: pytest.approx(naive(request, seen, decided)) for request in requests}
        transaction.set_rollback(True)
