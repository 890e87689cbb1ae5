"""One metric at many instants."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interactions import metrics
from interactions.metrics import Gauge, Metric, Unit, UnknownMetric, register
from interactions.selectors import MAX_INSTANTS, MetricRequest, TooMuchHistory, read_metrics, read_series
from interactions.selectors import series as series_module
from kaireon.platform.tenancy.models import Tenant
from tests.interactions.history import NOON, interaction, minutes, save, trace

EVERY_MINUTE = [NOON + minutes(count) for count in range(30)]
SAMPLE_METRICS = ["decision_count", "suppression_rate", "latency_p99", "acceptance_rate", "revenue"]


def read_each(tenant: Tenant, metric: str, width: timedelta, instants: list[datetime]) -> dict[datetime, float | None]:
    """Ask for one instant at a time, as the tick does."""
    requests = {at: MetricRequest.ending(tenant.pk, metric, at, width) for at in instants}
    return {at: read_metrics([request])[request] for at, request in requests.items()}


@pytest.mark.parametrize("metric", SAMPLE_METRICS)
@pytest.mark.parametrize("width", [minutes(1), minutes(5), timedelta(seconds=150)])
def test_a_series_says_at_each_instant_what_the_tick_would(
    acme: Tenant, globex: Tenant, metric: str, width: timedelta
) -> None:
    for minute in (0, 1, 1, 4, 9, 15, 15, 16, 28):
        at = NOON + minutes(minute) + timedelta(seconds=minute)
        save(trace(acme, at, after_contact_policy=minute % 10, total_latency_ms=float(minute)), trace(globex, at))
        save(interaction(acme, "impression", at), interaction(acme, "convert", at, value=minute), interaction(globex))

    found = read_series(tenant_id=acme.pk, metric=metric, width=width, instants=EVERY_MINUTE)

    assert found == pytest.approx(read_each(acme, metric, width, EVERY_MINUTE))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    step=st.integers(1, 7),
    width=st.integers(1, 20),
    metric=st.sampled_from(["decision_count", "latency_p99", "error_rate"]),
    start=st.integers(-10, 10),
)
def test_any_step_and_width_agree_with_the_tick(acme: Tenant, step: int, width: int, metric: str, start: int) -> None:
    if not metrics_rows_exist(acme):
        save(
            *(trace(acme, NOON + minutes(n * 1.3), total_latency_ms=n * 7 % 11, status_code=500 + n) for n in range(9))
        )
    instants = [NOON + minutes(start + step * count) for count in range(6)]

    found = read_series(tenant_id=acme.pk, metric=metric, width=minutes(width), instants=instants)

    assert found == pytest.approx(read_each(acme, metric, minutes(width), instants))


def metrics_rows_exist(tenant: Tenant) -> bool:
    """Tell whether the tenant has decisions at all."""
    request = MetricRequest(tenant.pk, "decision_count", NOON - minutes(60), NOON + minutes(60))
    return bool(read_metrics([request])[request])


@pytest.mark.parametrize("metric", ["decision_count", "latency_p99"])
def test_a_series_takes_one_query_whatever_its_length(
    acme: Tenant, metric: str, django_assert_num_queries: Callable[..., CaptureQueriesContext]
) -> None:
    week = [NOON + minutes(count) for count in range(7 * 1440)]

    with django_assert_num_queries(1):
        found = read_series(tenant_id=acme.pk, metric=metric, width=minutes(5), instants=week)

    assert len(found) == len(week)


def test_instants_come_back_in_time_order_and_once(acme: Tenant) -> None:
    found = read_series(tenant_id=acme.pk, metric="ctr", width=minutes(5), instants=[NOON, NOON - minutes(1), NOON])

    assert list(found) == [NOON - minutes(1), NOON]


@pytest.mark.parametrize("metric", ["decision_count", "latency_p99"])
def test_no_instants_are_no_series(acme: Tenant, metric: str) -> None:
    assert read_series(tenant_id=acme.pk, metric=metric, width=minutes(5), instants=[]) == {}


@pytest.mark.parametrize("metric", ["decision_count", "latency_p99"])
def test_a_window_of_no_width_has_no_data(acme: Tenant, metric: str) -> None:
    save(trace(acme, NOON))

    found = read_series(tenant_id=acme.pk, metric=metric, width=timedelta(0), instants=[NOON, NOON + minutes(1)])

    assert set(found.values()) == ({0.0} if metric == "decision_count" else {None})


def test_too_many_instants_are_refused(acme: Tenant) -> None:
    instants = [NOON + timedelta(seconds=count) for count in range(MAX_INSTANTS + 1)]

    with pytest.raises(TooMuchHistory, match="fewer days"):
        read_series(tenant_id=acme.pk, metric="ctr", width=minutes(5), instants=instants)


def test_too_many_values_to_rank_are_refused(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_module, "MAX_SAMPLES", 2)
    save(*(trace(acme, NOON, total_latency_ms=float(count)) for count in range(3)))

    with pytest.raises(TooMuchHistory, match="fewer days"):
        read_series(tenant_id=acme.pk, metric="latency_p99", width=minutes(5), instants=[NOON + minutes(1)])


def test_an_unknown_metric_is_refused(acme: Tenant) -> None:
    with pytest.raises(UnknownMetric):
        read_series(tenant_id=acme.pk, metric="no_such", width=minutes(5), instants=[NOON])


@pytest.fixture
def gauges() -> Iterator[None]:
    """Register a gauge that knows only now, and one that keeps its past."""
    before = dict(metrics._registry)
    register(Metric("now_only", "Now", Unit.COUNT, "Now.", Gauge(lambda windows: dict.fromkeys(windows, 3.0))))
    register(
        Metric(
            "kept",
            "Kept",
            Unit.COUNT,
            "Kept.",
            Gauge(lambda ws: {w: float(w.end.minute) for w in ws}, has_history=True),
        )
    )
    yield
    metrics._registry.clear()
    metrics._registry.update(before)


def test_a_gauge_without_history_has_no_past_to_show(acme: Tenant, gauges: None) -> None:
    found = read_series(tenant_id=acme.pk, metric="now_only", width=minutes(5), instants=[NOON])

    assert found == {NOON: None}


def test_a_gauge_with_history_answers_for_each_instant(acme: Tenant, gauges: None) -> None:
    found = read_series(tenant_id=acme.pk, metric="kept", width=minutes(5), instants=EVERY_MINUTE[:3])

    assert list(found.values()) == [0.0, 1.0, 2.0]
