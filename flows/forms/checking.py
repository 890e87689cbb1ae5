"""What is wrong with a draft: everything at once, each problem with its node and its line."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flows.forms.drafts import DraftUnreadable, read_draft
from flows.forms.positions import lines_of
from flows.models import Pipeline
from flows.services.checking import check_ir
from kaireon.platform.errors import DomainError
from kaireon.platform.tenancy.models import Tenant

SHOWN: Final = 100
_NODE: Final = re.compile(r"nodes\[(\d{1,5})\]\.?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `place` is its node's number in the list, `within` the path inside of the node."""

    path: str
    message: str
    line: int
    place: int | None = None
    within: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft that was looked at: its JSON, None where it is none, and everything that is wrong."""

    text: str
    draft: dict[str, Any] | None
    problems: Sequence[Problem]
    warnings: Sequence[Problem] = ()

    @property
    def by_place(self) -> Mapping[int, list[Problem]]:
        """Return the problems of each node."""
        return _by_place(self.problems)

    @property
    def warnings_by_place(self) -> Mapping[int, list[Problem]]:
        """Return what a run may stumble over, of each node."""
        return _by_place(self.warnings)

    @property
    def of_whole(self) -> list[Problem]:
        """Return the problems that stand at no node."""
        return [problem for problem in self.problems if problem.place is None]


def check_text(tenant: Tenant, pipeline: Pipeline, text: str) -> Checked:
    """Return a draft with its problems: as JSON, as a pipeline, and for the tenant's connectors."""
    try:
        draft = read_draft(text)
    except DraftUnreadable as error:
        return Checked(text, None, [Problem("", error.message, error.line or 1)])
    found = check_ir(tenant=tenant, pipeline=pipeline, ir=draft)
    shown, warned = found.errors[:SHOWN], found.warnings[:SHOWN]
    lines = lines_of(text, {each.path for each in (*shown, *warned)})
    return Checked(
        text,
        draft,
        [_problem(each.path, each.message, lines[each.path]) for each in shown],
        [_problem(each.path, each.message, lines[each.path]) for each in warned],
    )


def problems_of(text: str, refusal: DomainError) -> list[Problem]:
    """Return a service's refusal of an IR as problems of the draft that it was."""
    flat = [
        (path.removeprefix("ir").removeprefix("."), message)
        for path, messages in refusal.fields.items()
        for message in messages
        if path == "ir" or path.startswith(("ir.", "ir["))
    ]
    flat = flat or [("", refusal.message)]
    lines = lines_of(text, {path for path, _ in flat})
    return [_problem(path, message, lines[path]) for path, message in flat[:SHOWN]]


def _by_place(problems: Iterable[Problem]) -> Mapping[int, list[Problem]]:
    found: dict[int, list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.place is not None:
            found[problem.place].append(problem)
    return found


def _problem(path: str, message: str, line: int) -> Problem:
    found = _NODE.fullmatch(path)
    if found is None:
        return Problem(path, message, line)
    return Problem(path, message, line, int(found[1]), found[2])


def errors_by_control(problems: Iterable[Problem]) -> dict[str, list[str]]:
    """Return the problems of one node by the paths of its form's controls: `ops[0].field` as `ops.0.field`."""
    found: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        found[problem.within.replace("[", ".").replace("]", "")].append(problem.message)
    return dict(found)
