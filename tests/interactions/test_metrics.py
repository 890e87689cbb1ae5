"""The registry of metrics."""

from collections.abc import Collection, Iterator

import pytest

from interactions import metrics
from interactions.decisions import Window
from interactions.metrics import (
    Gauge,
    Metric,
    Total,
    Unit,
    UnknownMetric,
    catalogue,
    find_metric,
    metric_named,
    register,
)


def gauge(name: str, title: str = "Depth") -> Metric:
    """Return a metric that reads nothing."""
    return Metric(name, title, Unit.COUNT, "How deep.", Gauge(_read_nothing))


def _read_nothing(windows: Collection[Window]) -> dict[Window, float | None]:
    return {}


@pytest.fixture
def registry() -> Iterator[None]:
    """Forget what a test registers."""
    before = dict(metrics._registry)
    yield
    metrics._registry.clear()
    metrics._registry.update(before)


def test_the_documented_metrics_are_there_in_their_order() -> None:
    names = [metric.name for metric in catalogue()]

    assert names[:10] == [
        "acceptance_rate",
        "ctr",
        "revenue",
        "selection_frequency",
        "latency_p99",
        "degraded_scoring_rate",
        "suppression_rate",
        "empty_candidate_rate",
        "error_rate",
        "decision_count",
    ]


@pytest.mark.parametrize("metric", catalogue(), ids=lambda metric: metric.name)
def test_every_metric_says_what_it_is(metric: Metric) -> None:
    assert metric.title
    assert metric.description.endswith(".")
    assert metric.kind in {"total", "ratio", "percentile", "gauge"}
    assert (metric.kind == "ratio") == (metric.unit == Unit.RATIO)


def test_a_registered_metric_is_found(registry: None) -> None:
    metric = gauge("queue_depth")

    register(metric)

    assert find_metric("queue_depth") is metric
    assert metric_named("queue_depth") is metric
    assert catalogue()[-1] is metric


def test_registering_the_same_metric_again_changes_nothing(registry: None) -> None:
    register(gauge("queue_depth"))
    register(gauge("queue_depth"))

    assert [metric.name for metric in catalogue()].count("queue_depth") == 1


def test_another_metric_cannot_take_a_name(registry: None) -> None:
    register(gauge("queue_depth"))

    with pytest.raises(ValueError, match="queue_depth"):
        register(gauge("queue_depth", title="Something else"))


def test_an_unknown_name_is_no_metric() -> None:
    assert find_metric("no_such") is None
    with pytest.raises(UnknownMetric, match="no_such"):
        metric_named("no_such")


def test_only_totals_have_a_value_without_data() -> None:
    totals = {metric.name for metric in catalogue() if isinstance(metric.formula, Total)}

    assert totals >= {"revenue", "decision_count"}
