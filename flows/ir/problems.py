"""What is wrong with an IR, and where."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# Beyond so many the reader has enough to do; the last one counts the rest.
MOST_PROBLEMS: Final = 1_000
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
Step = str | int
Location = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class IrProblem:
    """One thing that is wrong: `path` such as `nodes[2].ops[0].field` (empty for the whole), and what to change."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class IrInvalid(Exception):
    """An IR cannot be taken; `problems` has everything that is wrong with it, in the order of the document.

    `is_unreadable` when it is no document of an IR at all: a field unknown, missing or wrongly typed (settled 37).
    Else it reads well and cannot be: a cycle, a time zone that is none.
    """

    def __init__(self, problems: Iterable[IrProblem], *, is_unreadable: bool) -> None:
        self.problems = tuple(problems)
        self.is_unreadable = is_unreadable
        super().__init__("; ".join(str(problem) for problem in self.problems[:5]))


def path_of(location: Location) -> str:
    """Write a location: numbers in brackets, names after a dot, other keys quoted in brackets."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{_quoted(step)}]"
    return text


def _quoted(key: str) -> str:
    shown = key if len(key) <= 80 else f"{key[:80]}…"
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
