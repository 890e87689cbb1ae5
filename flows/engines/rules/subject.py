"""What a row rule is about: a column, its type, and how an argument is written beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from flows.engines.casting import family
from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import Cast


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "date": date.fromisoformat, "timestamp": _moment, "time": time.fromisoformat,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """A column of rows under a rule."""

    rows: Rows
    name: str
    work: Work

    @property
    def value(self) -> ir.Value:
        """Return the column."""
        return self.rows[self.name]

    @property
    def family(self) -> str:
        """Return what the column is: text, whole, fraction, boolean, date, timestamp, time, …."""
        return family(self.work.backend.dialect.kind(self.rows, self.name))

    @property
    def text(self) -> ir.StringValue:
        """Return the column as text."""
        return self.work.backend.dialect.text(self.value)

    @property
    def number(self) -> ir.NumericValue:
        """Return the column as a number; text that is none is null."""
        if self.family in {"whole", "fraction"}:
            return self.value
        cast = Cast.model_validate({"op": "cast", "field": self.name, "to": "double", "onError": "null"})
        return self.work.backend.dialect.cast(self.rows, cast)[0]

    def beside(self, argument: str) -> tuple[ir.Value, ir.Value]:
        """Return the column, and an argument as the column is: a date, a time, or text. Raises EngineError."""
        read = _READERS.get(self.family)
        if read is None:
            return self.text, ibis.literal(argument)
        try:
            argument_value = read(argument)
        except ValueError as error:
            raise self.work.error(f"{self.name} is a {self.family}, {argument[:80]!r} is none") from error
        if self.value.type().is_string():
            return self.value, ibis.literal(str(argument_value))
        if self.family == "timestamp" and self.value.type().timezone is not None:
            return self.value, ibis.literal(argument_value.replace(tzinfo=UTC)).cast(self.value.type())
        return self.value, ibis.literal(argument_value)
