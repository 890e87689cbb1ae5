"""Look at the place of a file before anything is made of the news of it: push and held files (settled 31)."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from flows.services.placing import WatchAccess, opened_watched
from flows.storage.base import StorageError, StoredFile
from flows.storage.patterns import PatternRefused, matches
from flows.storage.places import folder_of
from kaireon.platform.budget import Budget
from triggers.models import FileTrigger
from triggers.services.matching import read_pattern
from triggers.services.reaching import SECONDS, Question, access_to_each, reach
from triggers.services.telling_folders import NOT_WATCHED

NOT_THERE: Final = "there is no such file at the source's path"
ELSEWHERE: Final = "it lies outside of the folder that the trigger watches"
UNLIKE: Final = "its name does not match the trigger's pattern"
UNASKED: Final = "its store was not asked within the time of this pass"
# From so many files on one listing costs less than a look at each.
LISTED_FROM: Final = 20
MOST_LISTED: Final = 100_000

# What lies under a key now: the file, None when there is none, or why nobody knows.
Found = StoredFile | str | None


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look on behalf of a trigger found: the file, or in words why it does not count."""

    trigger_id: uuid.UUID
    file: StoredFile | None
    reason: str = ""


def look_at(trigger_ids: Collection[uuid.UUID], key: str, *, now: datetime) -> list[Looked]:
    """Look whether a key is there and is what each of these triggers waits for.

    Each folder's store is opened once, for at most ten seconds. `key` is as the store lists it. Not inside a
    transaction.
    """
    rows = FileTrigger.objects.across_tenants().filter(pk__in=trigger_ids).select_related("folder").order_by("pk")
    looked, asked = [], []
    for trigger in rows:
        reason = reason_against(trigger, key, now=now)
        if reason:
            looked.append(Looked(trigger.pk, None, reason))
        else:
            asked.append(trigger)
    found = find_keys({trigger: [key] for trigger in asked}, budget=Budget(SECONDS))
    return looked + [_looked(trigger, found[trigger.pk][key]) for trigger in asked]


def reason_against(trigger: FileTrigger, key: str, *, now: datetime) -> str:
    """Return why a key is not what a trigger waits for, by its text alone; nothing when it is.

    Date templates are read at `now`.
    """
    if trigger.folder is None:
        return trigger.reason or NOT_WATCHED
    if folder_of(key) != trigger.folder.folder:
        return ELSEWHERE
    try:
        return "" if matches(read_pattern(trigger.pattern), key.rpartition("/")[2], now=now) else UNLIKE
    except PatternRefused as refusal:
        return refusal.message


def find_keys(
    wanted: Mapping[FileTrigger, Sequence[str]], *, budget: Budget
) -> Mapping[uuid.UUID, Mapping[str, Found]]:  # fmt: skip
    """Return by trigger what lies under the keys that it asks for; each folder's store is opened once."""
    by_folder: dict[uuid.UUID | None, dict[str, None]] = {}
    speaks_for: dict[uuid.UUID | None, uuid.UUID] = {}
    for trigger, keys in wanted.items():
        by_folder.setdefault(trigger.folder_id, {}).update(dict.fromkeys(keys))
        speaks_for[trigger.folder_id] = trigger.pipeline_id
    access = access_to_each(set(speaks_for.values()))
    found: dict[uuid.UUID | None, Mapping[str, Found]] = {}
    questions = []
    for folder_id, names in by_folder.items():
        watch = access.get(speaks_for[folder_id], StorageError(NOT_WATCHED))
        if isinstance(watch, StorageError):
            found[folder_id] = dict.fromkeys(names, watch.message)
        else:
            questions.append(Question(folder_id, partial(_stat, watch, list(names))))
    for reached in (each for batch in reach(questions, budget=budget) for each in batch):
        nothing = dict.fromkeys(by_folder[reached.whom], reached.error or UNASKED)
        found[reached.whom] = nothing if reached.answer is None else reached.answer
    return {trigger.pk: found[trigger.folder_id] for trigger in wanted}


def _stat(watch: WatchAccess, keys: Sequence[str]) -> Mapping[str, Found]:
    with opened_watched(watch) as opened:
        if len(keys) < LISTED_FROM:
            return {key: opened.store.stat(key) for key in keys}
        listed = {file.key: file for file in opened.store.list_folder(opened.folder, limit=MOST_LISTED)}
        return {key: listed.get(key) for key in keys}


def _looked(trigger: FileTrigger, found: Found) -> Looked:
    if isinstance(found, str):
        return Looked(trigger.pk, None, found)
    return Looked(trigger.pk, found, "" if found else NOT_THERE)
