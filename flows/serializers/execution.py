"""How a pipeline's runs are carried out, as it stands on the wire."""
# ruff: noqa: N815 - the wire's names

from kaireon.platform.fields import StrictBooleanField, StrictIntegerField, StrictSerializer


class ExecutionConfigShape(StrictSerializer):
    """Limits of a pipeline's runs; what is not said is the installation's."""

    lineage = StrictBooleanField(required=False, help_text="Whether rows get `_kaireon_lineage`; true unless given")
    timeLimitSeconds = StrictIntegerField(
        required=False, min_value=10, max_value=86_400, help_text="A run that takes longer fails; 3600 unless given"
    )
