"""The functions that an expression may call: those that DuckDB and Spark share, with the same meaning in both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

# What a function gives: a type, or that of its first argument, a double where that is
# a number, or the widest of its arguments.
Gives = Literal[
    "text", "tiny", "bigint", "integer", "double", "boolean", "date", "timestamp", "first", "real", "widest"
]


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its name as it is typed, a call that shows it, what it gives, and a line about it."""

    name: str
    example: str
    gives: Gives
    about: str


_TEXT: Final = (
    Function("lower", "lower(name)", "text", "Small letters."),
    Function("upper", "upper(name)", "text", "Capital letters."),
    Function("trim", "trim(name)", "text", "Without spaces, or the characters of a second argument, at both ends."),
    Function("ltrim", "ltrim(name)", "text", "As `trim`, at the beginning."),
    Function("rtrim", "rtrim(name, '.')", "text", "As `trim`, at the end."),
    Function("length", "length(name)", "bigint", "The number of characters."),
    Function("substring", "substring(name, 1, 3)", "text", "From a position, counted from 1, so many characters."),
    Function("substr", "substr(name, 2)", "text", "As `substring`."),
    Function("left", "left(name, 3)", "text", "The first characters."),
    Function("right", "right(name, 3)", "text", "The last characters."),
    Function("replace", "replace(name, '-', '')", "text", "Every occurrence of a text replaced by another."),
    Function("translate", "translate(name, 'äö', 'ao')", "text", "Characters replaced one by one."),
    Function("concat", "concat(name, '-', amount)", "text", "Texts one after another; nulls are left out."),
    Function("concat_ws", "concat_ws('-', name, name)", "text", "Texts with a separator between; nulls are left out."),
    Function("lpad", "lpad(name, 8, '0')", "text", "Filled up, or cut, at the beginning."),
    Function("rpad", "rpad(name, 8, ' ')", "text", "Filled up, or cut, at the end."),
    Function("repeat", "repeat(name, 2)", "text", "So many times."),
    Function("reverse", "reverse(name)", "text", "Backwards."),
    Function("starts_with", "starts_with(name, 'A')", "boolean", "Whether a text begins so."),
    Function("ends_with", "ends_with(name, 'z')", "boolean", "Whether a text ends so."),
    Function("contains", "contains(name, 'x')", "boolean", "Whether a text stands in another."),
    Function("strpos", "strpos(name, '@')", "bigint", "Where a text stands in another, from 1; 0 when it does not."),
    Function("instr", "instr(name, '@')", "bigint", "As `strpos`."),
    Function("position", "position('@' in name)", "bigint", "As `strpos`, the other way round."),
    Function("split_part", "split_part(name, '-', 1)", "text", "A part of a text cut at a separator, from 1."),
    Function("regexp_matches", "regexp_matches(name, '^[A-Z]')", "boolean", "Whether a pattern is found in a text."),
    Function("regexp_replace", "regexp_replace(name, '[^0-9]', '')", "text", "Every match replaced."),
    Function("regexp_extract", "regexp_extract(name, '([0-9]+)', 1)", "text", "The match, or a group of it."),
    Function("ascii", "ascii(name)", "integer", "The code of the first character."),
    Function("chr", "chr(65)", "text", "The character of a code."),
    Function("md5", "md5(name)", "text", "The MD5 digest in hexadecimal."),
    Function("sha256", "sha256(name)", "text", "The SHA-256 digest in hexadecimal."),
)
_NUMBERS: Final = (
    Function("abs", "abs(amount)", "first", "Without the sign."),
    Function("sign", "sign(amount)", "tiny", "-1, 0 or 1."),
    Function("round", "round(amount, 2)", "first", "Rounded, halves away from zero."),
    Function("floor", "floor(amount)", "real", "The next whole number below."),
    Function("ceil", "ceil(amount)", "real", "The next whole number above."),
    Function("ceiling", "ceiling(amount)", "real", "As `ceil`."),
    Function("sqrt", "sqrt(amount)", "double", "The square root."),
    Function("exp", "exp(amount)", "double", "e to a power."),
    Function("ln", "ln(amount)", "double", "The natural logarithm."),
    Function("log10", "log10(amount)", "double", "The logarithm to base 10."),
    Function("log2", "log2(amount)", "double", "The logarithm to base 2."),
    Function("power", "power(amount, 2)", "double", "A number to a power."),
    Function("pow", "pow(amount, 2)", "double", "As `power`."),
    Function("mod", "mod(quantity, 2)", "first", "The rest of a division; null by zero."),
    Function("greatest", "greatest(amount, 0)", "widest", "The greatest; nulls are left out."),
    Function("least", "least(amount, 0)", "widest", "The least; nulls are left out."),
)
_CHOICES: Final = (
    Function("coalesce", "coalesce(name, '?')", "widest", "The first that is not null."),
    Function("ifnull", "ifnull(name, '?')", "widest", "As `coalesce`, of two."),
    Function("nvl", "nvl(name, '?')", "widest", "As `coalesce`, of two."),
    Function("nullif", "nullif(name, '')", "first", "Null when both are equal, else the first."),
    Function("if", "if(amount > 0, 'in', 'out')", "widest", "The second when the first is true, else the third."),
)
_TIMES: Final = (
    Function("date_trunc", "date_trunc('month', at)", "timestamp", "The beginning of a unit of time."),
    Function("date_part", "date_part('year', at)", "bigint", "A part of a time, as `extract(year from at)`."),
    Function("extract", "extract(year from at)", "bigint", "A part of a time."),
    Function("year", "year(at)", "bigint", "The year."),
    Function("quarter", "quarter(at)", "bigint", "The quarter, 1 to 4."),
    Function("month", "month(at)", "bigint", "The month, 1 to 12."),
    Function("week", "week(at)", "bigint", "The week of the ISO year."),
    Function("day", "day(at)", "bigint", "The day of the month."),
    Function("dayofyear", "dayofyear(at)", "bigint", "The day of the year."),
    Function("hour", "hour(at)", "bigint", "The hour, 0 to 23."),
    Function("minute", "minute(at)", "bigint", "The minute."),
    Function("second", "second(at)", "bigint", "The second."),
    Function("last_day", "last_day(at)", "date", "The last day of the month."),
    Function("date_diff", "date_diff('day', at, at)", "bigint", "Days from one date to another; only `day`."),
    Function("make_date", "make_date(2026, 1, 31)", "date", "A date from year, month and day."),
    Function("strftime", "strftime(at, '%Y-%m-%d')", "text", "A time as text; `%Y %m %d %H %M %S %y %j`."),
    Function(
        "strptime", "strptime(name, '%d.%m.%Y')", "timestamp", "A text as a time; one that is none fails the run."
    ),
)

FUNCTIONS: Final[Mapping[str, Function]] = {
    function.name: function for function in (*_TEXT, *_NUMBERS, *_CHOICES, *_TIMES)
}
# Called like functions, and part of the language: with a type, or with a clause inside.
SPECIAL_FORMS: Final = frozenset({"cast", "try_cast"})
