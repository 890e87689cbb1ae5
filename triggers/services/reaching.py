"""Ask stores over the network: a few at once, each for a few seconds, none inside a transaction."""

import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from time import monotonic
from typing import Final, Generic, TypeVar

from flows.services.isolating import plain
from flows.services.placing import WatchAccess, access_to_watched
from flows.storage.base import StorageError
from kaireon.platform.budget import Budget
from kaireon.platform.patience import begin_call
from triggers.services.isolating import WORDS, all_or_each

AT_ONCE: Final = 8
SECONDS: Final = 10.0
LEAST_SECONDS: Final = 1.0
# Answers that come close together are worked off together.
SLICE_SECONDS: Final = 0.05
SLOW: Final = "It did not answer within {seconds:.0f} s."
ERRORS: Final = (StorageError, OSError)

_Whom = TypeVar("_Whom")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Question(Generic[_Whom, _Answer]):
    """What is asked, and of whom; `ask` is called in a thread and must leave the database alone."""

    whom: _Whom
    ask: Callable[[], _Answer]


@dataclass(frozen=True, slots=True)
class Reached(Generic[_Whom, _Answer]):
    """What was answered, or why nothing was; `took_ms` None: past the budget it was not asked at all."""

    whom: _Whom
    answer: _Answer | None = None
    error: str = ""
    took_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Call(Generic[_Whom, _Answer]):
    whom: _Whom
    future: Future[_Answer]
    began: float
    patience: float

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended, or is waited for no longer."""
        return self.future.done() or monotonic() - self.began > self.patience

    def result(self) -> Reached[_Whom, _Answer]:
        """Return what came of it; what comes later is left behind."""
        took_ms = int((monotonic() - self.began) * 1_000)
        try:
            return Reached(self.whom, self.future.result(timeout=0), took_ms=took_ms)
        except TimeoutError:
            return Reached(self.whom, error=SLOW.format(seconds=self.patience), took_ms=took_ms)
        except ERRORS as error:
            return Reached(self.whom, error=plain(str(error)), took_ms=took_ms)


def access_to_each(pipeline_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, WatchAccess | StorageError]:
    """Return by pipeline what opens the store of its watched source, or why nothing does; none stops another."""
    found: dict[uuid.UUID, WatchAccess | StorageError] = {}
    answers, failed = all_or_each("triggers.access_failed", list(pipeline_ids), access_to_watched)
    for answer in answers:
        found |= answer
    return found | {pipeline_id: StorageError(WORDS.format(error="its source")) for pipeline_id in failed}


def reach(
    questions: Sequence[Question[_Whom, _Answer]], *, budget: Budget
) -> Iterator[list[Reached[_Whom, _Answer]]]:  # fmt: skip
    """Yield what is answered as it comes, several at a time; a slow one keeps nobody else waiting.

    Past the budget nothing more is asked, and the rest comes last, unasked.
    """
    queue = deque(questions)
    calls: list[_Call[_Whom, _Answer]] = []
    while calls or (queue and not budget.is_spent):
        while queue and len(calls) < AT_ONCE and not budget.is_spent:
            question = queue.popleft()
            patience = min(SECONDS, max(budget.remaining(), LEAST_SECONDS))
            calls.append(_Call(question.whom, begin_call(question.ask, errors=ERRORS), monotonic(), patience))
        wait([call.future for call in calls], timeout=SLICE_SECONDS)
        over = [call for call in calls if call.is_over]
        calls = [call for call in calls if call not in over]
        if over:
            yield [call.result() for call in over]
    if queue:
        yield [Reached(question.whom) for question in queue]
