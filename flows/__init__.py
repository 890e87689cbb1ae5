"""Flows: what runs. Pipelines as IR, the files they take in, and the rows they put into PostgreSQL, all or none.

Doors: `flows.services` (do), `flows.selectors` (ask), `flows.decisions` (words), `flows.ir` (what a pipeline is),
`flows.storage` (where files lie). When a pipeline runs is the triggers area's matter.
"""
