"""A run's `narrativeOutput`, as the contract spells it."""

from typing import Any

from reports.decisions.document import Narrative


def narrative_output(narrative: Narrative | None) -> dict[str, Any] | None:
    """Return the words with who wrote them, what they cost, and where each figure in them comes from; None for none.

    `sections` maps a section's id to its paragraph. `costUsd` is null where no price is known.
    """
    if narrative is None:
        return None
    return {
        "source": str(narrative.source),
        "executiveSummary": narrative.executive_summary,
        "sections": dict(narrative.paragraphs),
        "takeaways": list(narrative.takeaways),
        "model": narrative.model or None,
        "tokens": narrative.tokens,
        "costUsd": None if narrative.cost_usd is None else float(narrative.cost_usd),
        "reason": narrative.reason or None,
        "traces": [
            {
                "part": trace.part, "start": trace.start, "text": trace.text, "sectionId": trace.section_id,
                "row": trace.row, "column": trace.column,
            }
            for trace in narrative.traces
        ],
    }  # fmt: skip
