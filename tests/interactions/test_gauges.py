"""Metrics that later subsystems answer themselves."""

from collections.abc import Callable, Collection, Iterator, Mapping

import pytest
from django.test.utils import CaptureQueriesContext

from interactions import metrics
from interactions.decisions import Window
from interactions.metrics import Gauge, Metric, Unit, register
from interactions.selectors import MetricRequest, read_metrics
from kaireon.platform.tenancy.models import Tenant
from tests.interactions.history import NOON, minutes, save, trace

WINDOW = minutes(5)


@pytest.fixture
def depth_gauge() -> Iterator[list[set[Window]]]:
    """Register a gauge that answers one tenant's depth, and return the calls that it gets."""
    before = dict(metrics._registry)
    calls: list[set[Window]] = []

    def read_depth(windows: Collection[Window]) -> Mapping[Window, float | None]:
        calls.append(set(windows))
        return {window: 7.0 for window in windows if window.end == NOON}

    register(Metric("depth", "Depth", Unit.COUNT, "How deep.", Gauge(read_depth)))
    yield calls
    metrics._registry.clear()
    metrics._registry.update(before)


def test_a_gauge_is_asked_once_for_all_windows_and_what_it_leaves_out_is_no_data(
    acme: Tenant, globex: Tenant, depth_gauge: list[set[Window]]
) -> None:
    first, second = (MetricRequest.ending(tenant.pk, "depth", NOON, WINDOW) for tenant in (acme, globex))
    earlier = first.preceding()

    values = read_metrics([first, second, earlier])

    assert values == {first: 7.0, second: 7.0, earlier: None}
    assert depth_gauge == [{first.window, second.window, earlier.window}]


def test_a_gauge_beside_other_metrics_adds_no_query_of_ours(
    acme: Tenant, depth_gauge: list[set[Window]], django_assert_num_queries: Callable[..., CaptureQueriesContext]
) -> None:
    save(trace(acme, NOON - minutes(1)))
    depth, count = (MetricRequest.ending(acme.pk, name, NOON, WINDOW) for name in ("depth", "decision_count"))

    with django_assert_num_queries(1):
        values = read_metrics([depth, count])

    assert values == {depth: 7.0, count: 1.0}


def test_a_gauge_that_fails_says_so_and_is_not_taken_for_no_data(acme: Tenant, depth_gauge: list[set[Window]]) -> None:
    def fail(windows: Collection[Window]) -> Mapping[Window, float | None]:
        raise ConnectionError("the queue is away")

    register(Metric("broken", "Broken", Unit.COUNT, "Broken.", Gauge(fail)))

    with pytest.raises(ConnectionError):
        read_metrics([MetricRequest.ending(acme.pk, "broken", NOON, WINDOW)])
