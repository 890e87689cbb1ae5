"""Where every area defines its Prometheus metrics: `counter`, `gauge`, `histogram`, and `read_at_scrape`.

Counters and histograms live in the process, or with PROMETHEUS_MULTIPROC_DIR in files that all processes of one
machine share. Figures that stand in the database are read when somebody scrapes, by whichever process answers.
"""

import bisect
import logging
import math
import os
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Literal, TypeVar

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

PREFIX: Final = "kaireon_"
UNREADABLE: Final = "kaireon_metrics_unreadable"
MULTIPROCESS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
Reading = tuple[Sequence[str], float]
Reader = Callable[[], Iterable[Reading]]
Kind = TypeVar("Kind", Counter, Gauge, Histogram)
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

_defined: dict[str, Any] = {}


def counter(name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
    """Define a counter; its name starts with `kaireon_` and ends with `_total`."""
    if not name.endswith("_total"):
        raise ValueError(f"a counter's name ends with _total: {name}")
    return _once(Counter, name, lambda: Counter(_checked(name), documentation, labels))


def gauge(
    name: str,
    documentation: str,
    labels: Sequence[str] = (),
    *,
    across_processes: Literal["mostrecent", "livesum", "livemax", "max", "min", "sum"] = "mostrecent",
) -> Gauge:
    """Define a gauge that code sets; `across_processes` says how the figures of several processes become one."""
    return _once(Gauge, name, lambda: Gauge(_checked(name), documentation, labels, multiprocess_mode=across_processes))


def histogram(
    name: str, documentation: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = SECONDS
) -> Histogram:
    """Define a histogram; the default buckets suit seconds."""
    return _once(Histogram, name, lambda: Histogram(_checked(name), documentation, labels, buckets=buckets))


def observe_many(metric: Histogram, values: Sequence[float]) -> None:
    """Observe many values of a histogram without labels at the cost of a few: one addition per bucket that has any.

    The client library offers only one at a time, at microseconds each; its buckets are not cumulative until a scrape.
    """
    bounds = metric._upper_bounds
    for bucket, count in Tally(bisect.bisect_left(bounds, value) for value in values).items():
        metric._buckets[bucket].inc(count)
    metric._sum.inc(sum(values))


def read_at_scrape(name: str, documentation: str, labels: Sequence[str], read: Reader) -> None:
    """Define a gauge whose figures `read` returns as (label values, figure) when somebody scrapes.

    `read` must be cheap at any size of the data. A database error costs its own figures, not the whole scrape, and
    stands in `kaireon_metrics_unreadable`; after one that ended the connection the other figures are not asked for.
    Defining a name again replaces its reader.
    """
    AT_SCRAPE.readers[_checked(name)] = (documentation, tuple(labels), read)


class _ScrapeReaders(Collector):
    """Read the registered figures, and only those that can be read; UNREADABLE tells which could not be."""

    def __init__(self) -> None:
        self.readers: dict[str, tuple[str, tuple[str, ...], Reader]] = {}

    def collect(self) -> Iterator[Metric]:
        """Yield one family per reader that answers, and last which ones did not."""
        unreadable = GaugeMetricFamily(UNREADABLE, "1 for a figure that this scrape could not read", labels=["metric"])
        is_away = False
        for name, (documentation, labels, read) in self.readers.items():
            readings = None
            # Each attempt to connect may take seconds; a scrape that makes all of them ends with nothing at all.
            if not is_away:
                readings, is_away = _attempt(name, read)
            unreadable.add_metric([name], float(readings is None))
            if readings is not None:
                family = GaugeMetricFamily(name, documentation, labels=labels)
                for values, figure in readings:
                    family.add_metric([str(value) for value in values], figure)
                yield family
        yield unreadable


def _attempt(name: str, read: Reader) -> tuple[list[Reading] | None, bool]:
    """Return what was read, None when it could not be, and whether the database itself is away."""
    try:
        return list(read()), False
    except (DatabaseError, InterfaceError) as error:
        logger.warning("metric not readable", exc_info=error, extra={"event": "metrics.unreadable", "metric": name})
        return None, connection.connection is None or isinstance(error, InterfaceError)


AT_SCRAPE: Final = _ScrapeReaders()


def registries() -> list[Collector]:
    """Return what a scrape collects: this machine's processes, then the figures read at scrape."""
    if not os.environ.get(MULTIPROCESS_FOLDER):
        return [REGISTRY, AT_SCRAPE]
    shared = CollectorRegistry()
    multiprocess.MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    return [shared, AT_SCRAPE]


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format."""
    return b"".join(generate_latest(registry) for registry in registries())


def summary(*, tenant_labels: frozenset[str]) -> dict[str, dict[str, Any]]:
    """Return our metrics as `{name: {name, help, type, values: [{labels, value}]}}`.

    A sample that carries a `tenant` label is left out unless the label is one of `tenant_labels`: figures of
    the machine are for every admin, those of a tenant for its own only.
    """
    found: dict[str, dict[str, Any]] = {}
    for registry in registries():
        for family in registry.collect():
            if family.name.startswith(PREFIX):
                described = _described(family, tenant_labels)
                found[described["name"]] = described
    return found


def _described(family: Metric, tenant_labels: frozenset[str]) -> dict[str, Any]:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    values = [
        {"labels": dict(sample.labels), "value": _finite(sample.value)} | _own_name(sample.name, name)
        for sample in family.samples
        if not sample.name.endswith("_created") and _is_visible(sample.labels, tenant_labels)
    ]
    return {"name": name, "help": family.documentation, "type": family.type, "values": values}


def _finite(value: float) -> float | None:
    # JSON has no NaN and no infinity; Prometheus has both.
    return value if math.isfinite(value) else None


def _own_name(sample_name: str, name: str) -> dict[str, str]:
    return {} if sample_name == name else {"metricName": sample_name}


def _is_visible(labels: dict[str, str], tenant_labels: frozenset[str]) -> bool:
    return "tenant" not in labels or labels["tenant"] in tenant_labels


def _once(kind: type[Kind], name: str, make: Callable[[], Kind]) -> Kind:
    metric = _defined.get(name)
    if metric is None:
        metric = _defined[name] = make()
    if not isinstance(metric, kind):
        raise ValueError(f"{name} is defined already, as another kind of metric")
    return metric


def _checked(name: str) -> str:
    if not name.startswith(PREFIX):
        raise ValueError(f"a metric's name starts with {PREFIX}: {name}")
    return name
