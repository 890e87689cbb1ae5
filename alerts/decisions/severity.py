"""Derive how serious a breach is from its distance to the threshold."""

from alerts.decisions.vocabulary import Severity

CRITICAL_FROM = 1.0
WARNING_FROM = 0.5
ALMOST = 1 - 1e-9


def derive_severity(observed: float | None, threshold: float, baseline: float | None) -> Severity:
    """Return the severity of a breach: |observed - threshold| / |threshold|, with the baseline for a threshold of 0.

    At least 1.0 is critical, at least 0.5 a warning, less is info. Without an observed value (a no-data alert)
    there is no distance: a warning. Where the reference is 0 too, any departure from it is beyond measure: critical.
    Source: `seeds/` and the public documentation ("severity is derived, not configured").
    """
    if observed is None:
        return Severity.WARNING
    reference = threshold if threshold != 0 else (baseline or 0.0)
    distance = abs(observed - reference)
    if distance == 0:
        return Severity.INFO
    # 0.3 - 0.2 is a hair less than half of 0.2 in binary; a person reads it as half.
    if distance >= abs(reference) * CRITICAL_FROM * ALMOST:
        return Severity.CRITICAL
    return Severity.WARNING if distance >= abs(reference) * WARNING_FROM * ALMOST else Severity.INFO
