"""How serious a breach is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.decisions import Severity, derive_severity

ORDER = [Severity.INFO, Severity.WARNING, Severity.CRITICAL]
VALUES = st.floats(-1e9, 1e9)


@pytest.mark.parametrize(
    ("observed", "threshold", "baseline", "severity"),
    [
        pytest.param(0.2, 0.2, None, "info", id="on the threshold"),
        pytest.param(0.29, 0.2, None, "info", id="just under half as much again"),
        pytest.param(0.3, 0.2, None, "warning", id="half as much again, a rounding error below"),
        pytest.param(1.5, 1.0, None, "warning", id="half as much again"),
        pytest.param(1.99, 1.0, None, "warning", id="just under twice"),
        pytest.param(2.0, 1.0, None, "critical", id="twice"),
        pytest.param(0.5, 1.0, None, "warning", id="half of it, downwards"),
        pytest.param(0.0, 1.0, None, "critical", id="nothing at all"),
        pytest.param(-3.0, -2.0, None, "warning", id="a negative threshold counts by its size"),
        pytest.param(15.0, 0.0, 10.0, "warning", id="threshold 0 takes the baseline"),
        pytest.param(20.0, 0.0, 10.0, "critical", id="threshold 0, twice the baseline"),
        pytest.param(12.0, 0.0, 10.0, "info", id="threshold 0, near the baseline"),
        pytest.param(1.0, 0.0, 0.0, "critical", id="threshold 0 and baseline 0, anything is beyond measure"),
        pytest.param(1.0, 0.0, None, "critical", id="threshold 0 and no baseline"),
        pytest.param(0.0, 0.0, None, "info", id="nothing against nothing"),
        pytest.param(2.0, 1.0, 1000.0, "critical", id="the baseline does not matter beside a threshold"),
        pytest.param(None, 1.0, 1.0, "warning", id="no data has no distance"),
    ],
)
def test_severity_is_the_distance_to_the_threshold(
    observed: float | None, threshold: float, baseline: float | None, severity: str
) -> None:
    assert derive_severity(observed, threshold, baseline) == severity


@given(st.floats(0.001, 1e9), st.floats(0, 1e9), st.floats(0, 1e9))
def test_severity_never_falls_as_the_value_moves_away(threshold: float, near: float, far: float) -> None:
    near, far = sorted([near, far])

    assert ORDER.index(derive_severity(threshold + near, threshold, None)) <= ORDER.index(
        derive_severity(threshold + far, threshold, None)
    )


@given(VALUES, VALUES, st.none() | VALUES)
def test_every_finite_reading_has_a_severity(observed: float, threshold: float, baseline: float | None) -> None:
    assert derive_severity(observed, threshold, baseline) in ORDER
