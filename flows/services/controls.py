"""Control files: the sentinel that fired a run goes where the run's data goes, whatever became of the run.

It is not touched before the run ends: tried again, the run finds it where it lay, and on stores where a move makes a
new version it would look like a new one. What has come in its place meanwhile is another sentinel, and is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flows.decisions.runs import Ending
from flows.decisions.vocabulary import LogLevel, Stage
from flows.models import PipelineRun, RunFile
from flows.services.files import Hand
from flows.services.progressing import log_line
from flows.services.sourcing import OpenSource, Sources
from flows.storage.places import folder_of, folder_of_keys

# Cancelled, or begun again: it stays where it is.
MOVED_AFTER: Final = frozenset({Ending.FAILED, Ending.NOTHING})
REPLACED: Final = "The control file {key} is not the one that fired this run any more; it was left alone."


@dataclass(frozen=True, slots=True)
class Control:
    """A control file as the trigger saw it; without `identity` any file under the key is meant."""

    node_id: str
    key: str
    identity: str = ""


def controls_of(run: PipelineRun) -> list[Control]:
    """Return the control files that fired a run: `controlFiles` of its parameters, or the one `controlFile`."""
    given = run.parameters.get("controlFiles")
    listed = given if isinstance(given, list) else [run.parameters.get("controlFile")]
    found = [_read(each) for each in listed if isinstance(each, dict)]
    return [control for control in found if control is not None]


def moves_controls(run: PipelineRun) -> bool:
    """Tell whether a run that ends has control files to put away."""
    is_ended = run.committed_at is not None or run.ending in MOVED_AFTER
    return is_ended and bool(controls_of(run))


def claim_controls(hand: Hand, sources: Sources) -> list[RunFile]:
    """Take into the run's hands the control files that still lie where the trigger saw them. Raises StorageError."""
    if not moves_controls(hand.run):
        return []
    # A control file that is data too, or that an earlier try took.
    taken = set(RunFile.objects.for_tenant(hand.run.tenant_id).filter(run=hand.run).values_list("key", flat=True))
    wanted = [control for control in controls_of(hand.run) if control.key not in taken and control.node_id in sources]
    return [row for control in wanted for row in _claim(hand, sources[control.node_id], control)]


def is_archived(run: PipelineRun, row: RunFile) -> bool:
    """Tell whether a file of a run that found nothing is archived all the same: its control file has done its work."""
    return row.is_control and run.ending == Ending.NOTHING


def _claim(hand: Hand, source: OpenSource, control: Control) -> Sequence[RunFile]:
    if folder_of(control.key) != folder_of_keys(source.folder):
        return []
    stored = source.store.stat(control.key)
    if stored is None:
        return []
    if control.identity and stored.identity != control.identity:
        text = REPLACED.format(key=control.key)
        log_line(hand.run, Stage.ARCHIVING, text, now=hand.clock(), level=LogLevel.INFO)
        return []
    return hand.claim_control(source, stored)


def _read(given: dict[str, object]) -> Control | None:
    node_id, key, identity = given.get("nodeId"), given.get("key"), given.get("identity", "")
    if isinstance(node_id, str) and isinstance(key, str) and isinstance(identity, str):
        return Control(node_id, key, identity)
    return None
