"""How far incremental loads have come."""

from django.db import models

from flows.models.pipelines import Pipeline
from kaireon.platform.tenancy.scoping import TenantModel


class PipelineWatermark(TenantModel):
    """The highest value of a column that a pipeline has loaded, written in the transaction of the load."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="watermarks", db_index=False)
    node_id = models.CharField(max_length=63)
    column = models.CharField(max_length=63)
    # As PostgreSQL prints it, with the type that it was compared as.
    value = models.TextField()
    value_type = models.CharField(max_length=20)
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "pipeline_watermarks"
        constraints = [models.UniqueConstraint(fields=["pipeline", "node_id", "column"], name="pipelinewatermark_once")]

    def __str__(self) -> str:
        return f"{self.column} up to {self.value}"
