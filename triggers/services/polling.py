"""List the folders that triggers watch: each once, however many watch it; a dead store costs only its own pipelines.

Nothing is reached inside a transaction: a folder is claimed under a lease, listed in a thread that has no business
with the database, and what was found is dispatched trigger by trigger.
"""

import copy
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

from flows.services.placing import WatchAccess, opened_watched
from flows.storage.base import StorageError, StoredFile
from kaireon.platform.budget import Budget
from triggers.decisions.vocabulary import OccurrenceKind, TriggerState, Via
from triggers.models import FileTrigger, WatchedFolder
from triggers.services.arriving import arrive, told
from triggers.services.isolating import all_or_each, isolated
from triggers.services.leasing import LookedAt, claim_folders, count_waiting, note_looks
from triggers.services.ledger import known_places
from triggers.services.matching import files_by_trigger
from triggers.services.reaching import Question, Reached, access_to_each, reach
from triggers.services.telling import FAILED, TickLine

MOST_LISTED: Final = 100_000
# Claimed at once; they are begun before their leases end, or by somebody else.
CLAIMED: Final = 64
NOBODY: Final = "Nobody watches it any more."
NOT_TAKEN_IN: Final = "What lies in it could not be taken in; the log says more."
_News = tuple[FileTrigger, list[StoredFile]]


@dataclass(frozen=True, slots=True)
class Polled:
    """What a poll came to: lines of what was new, how many folders were listed, how many it left to the next."""

    lines: tuple[TickLine, ...]
    listed: int
    remaining: int


@dataclass(slots=True)
class _Poll:
    """One pass over the folders whose turn it is."""

    now: datetime
    budget: Budget
    tick_id: uuid.UUID | None
    lines: list[TickLine] = field(default_factory=list)
    listed: int = 0

    def execute(self, folders: Sequence[WatchedFolder]) -> None:
        """List folders that were claimed, and take in what is new in them."""
        for looked in reach(self._questions(folders), budget=self.budget):
            looks = [_look(each) for each in looked]
            try:
                self.listed += sum(each.took_ms is not None for each in looked)
                unread = self._take_in(looked)
                looks = [
                    replace(look, files=None, error=NOT_TAKEN_IN) if look.folder.pk in unread else look
                    for look in looks
                ]
            finally:
                # Whatever has happened: a folder whose look is not noted is the first again at the next tick.
                self._note(looks)

    def _take_in(self, looked: Sequence[Reached[WatchedFolder, list[StoredFile]]]) -> set[uuid.UUID]:
        """Dispatch what is new, trigger by trigger; return the folders of which nobody can tell what is new."""
        found = [(each.whom.pk, each.answer) for each in looked if each.answer is not None]
        news, failed = all_or_each("triggers.news_failed", found, lambda some: _news(dict(some), self.now))
        for trigger, files in (each for some in news for each in some):
            with isolated(
                "triggers.arrival_failed", tenantId=trigger.tenant_id, pipelineId=trigger.pipeline_id
            ) as block:
                self.lines += arrive(
                    trigger_id=trigger.pk, files=files, via=Via.POLL, now=self.now, tick_id=self.tick_id
                )  # fmt: skip
            if block.error:
                self.lines.append(told(trigger, FAILED, block.words, self.now))
        return {pk for pk, _ in failed}

    def _note(self, looks: Sequence[LookedAt]) -> None:
        # Copies, for what is noted twice must not count twice.
        all_or_each(
            "triggers.note_failed", looks,
            lambda some: note_looks([replace(each, folder=copy.copy(each.folder)) for each in some], now=self.now),
        )  # fmt: skip

    def _questions(self, folders: Sequence[WatchedFolder]) -> list[Question[WatchedFolder, list[StoredFile]]]:
        """Ask the database once for all that is needed to open the folders' stores."""
        speaks_for = _one_pipeline_each(folders)
        found = access_to_each(speaks_for.values())
        questions, refused = [], []
        for folder in folders:
            access = found.get(speaks_for.get(folder.pk, folder.pk), StorageError(NOBODY))
            if isinstance(access, StorageError):
                refused.append(LookedAt(folder, None, error=access.message))
            else:
                questions.append(Question(folder, partial(_list, access)))
        if refused:
            self._note(refused)
        return questions


def poll_folders(
    *, now: datetime, budget: Budget, tenant_id: uuid.UUID | None = None, tick_id: uuid.UUID | None = None,
    is_eager: bool,
) -> Polled:  # fmt: skip
    """List every watched folder whose turn it is, of everybody or of one tenant, and fire what is new in them.

    At most eight at once, each for at most ten seconds; one that failed is left alone for a while. Without `is_eager`
    a folder is skipped that was looked at less than half an interval ago: of several tickers one is enough. Past the
    budget nothing new is begun, and `remaining` counts what was left. Not inside a transaction.
    """
    poll = _Poll(now, budget, tick_id)
    while not budget.is_spent:
        folders = claim_folders(now=now, tenant_id=tenant_id, is_eager=is_eager, most=CLAIMED)
        if not folders:
            break
        poll.execute(folders)
    remaining = count_waiting(now=now, tenant_id=tenant_id, is_eager=is_eager) if budget.is_spent else 0
    return Polled(tuple(poll.lines), poll.listed, remaining)


def _list(access: WatchAccess) -> list[StoredFile]:
    with opened_watched(access) as opened:
        return list(opened.store.list_folder(opened.folder, limit=MOST_LISTED))


def _look(reached: Reached[WatchedFolder, list[StoredFile]]) -> LookedAt:
    files = None if reached.answer is None else len(reached.answer)
    return LookedAt(reached.whom, files, reached.took_ms, reached.error)


def _one_pipeline_each(folders: Sequence[WatchedFolder]) -> Mapping[uuid.UUID, uuid.UUID]:
    """Return for each folder a pipeline that watches it: its source says how the store is opened."""
    rows = FileTrigger.objects.across_tenants().filter(folder__in=folders, state=TriggerState.ACTIVE)
    chosen = rows.order_by("folder_id", "pk").distinct("folder_id")
    return dict(chosen.values_list("folder_id", "pipeline_id"))


def _news(found: Mapping[uuid.UUID, list[StoredFile]], now: datetime) -> list[_News]:
    """Return the triggers of these folders for which there are files that were not seen before; two statements."""
    watching: dict[uuid.UUID, list[FileTrigger]] = defaultdict(list)
    rows = FileTrigger.objects.across_tenants().filter(folder__in=[pk for pk, files in found.items() if files])
    for trigger in rows.filter(state=TriggerState.ACTIVE).order_by("pk"):
        if trigger.folder_id is not None:
            watching[trigger.folder_id].append(trigger)
    pairs = [pair for pk, triggers in watching.items() for pair in files_by_trigger(triggers, found[pk], now=now)]
    seen = known_places(
        OccurrenceKind.FILE, [(trigger.pipeline_id, file.identity) for trigger, files in pairs for file in files]
    )
    fresh = (
        (trigger, [file for file in files if (trigger.pipeline_id, file.identity) not in seen])
        for trigger, files in pairs
    )  # fmt: skip
    return [(trigger, files) for trigger, files in fresh if files]
