"""What no trigger survives, whatever the cause may be in life: rows that the database refuses for one pipeline."""

from django.db import connection

from flows.models import Pipeline


def refuse_fires(pipeline: Pipeline, kind: str = "fired") -> None:
    """Let the database refuse every row of the ledger that says that something became of this pipeline."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            f"ALTER TABLE triggers_occurrence ADD CONSTRAINT poisoned "
            f"CHECK (outcome <> '{kind}' OR pipeline_id <> '{pipeline.pk}') NOT VALID"
        )
