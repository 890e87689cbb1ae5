"""Casts in Spark's words, such that they take what DuckDB takes and give what it gives."""

from typing import Final

from flows.engines import casting
from flows.engines.spark.writing import quoted
from flows.ir.ops import Cast
from flows.ir.types import type_of_cast

NUMBER: Final = r"\s*[+-]?([0-9]+(_[0-9]+)*(\.([0-9]+(_[0-9]+)*)?)?|\.[0-9]+(_[0-9]+)*)([eE][+-]?[0-9]+(_[0-9]+)*)?\s*"
_TRUE: Final = ("true", "t", "yes", "y", "1")
_FALSE: Final = ("false", "f", "no", "n", "0")
_MIDNIGHT: Final = r"(?s).*[ T]24:00(:00(\.0+)?)?\s*"
_UNITS: Final = {
    "Y": "yyyy", "y": "yy", "m": "M", "d": "d", "H": "H", "I": "h", "M": "m", "S": "s", "f": "SSSSSS", "p": "a",
    "b": "MMM", "B": "MMMM", "a": "E", "A": "EEEE", "j": "D", "z": "XX", "%": "%",
}  # fmt: skip


def matches(pattern: str, *, value: str = "x") -> str:
    """Return the condition that a whole text is as a pattern says."""
    return f"{value} RLIKE {quoted(f'^(?:{pattern})' + chr(92) + 'z')}"


def cast_sql(op: Cast, kind: str) -> str:
    """Return the scalar that turns `x` of a type into the type of a cast, null where it cannot be."""
    target, source = type_of_cast(op), casting.family(kind)
    if source in {"whole", "fraction", "boolean"} and casting.family(target) in {"whole", "fraction", "boolean"}:
        is_rounded = source == "fraction" and casting.family(target) == "whole"
        return f"TRY_CAST({'round(x)' if is_rounded else 'x'} AS {spark_type(target)})"
    if {source, casting.family(target)} <= {"date", "timestamp"}:
        return _between_times(op, kind, target)
    if source == casting.family(target):
        return "x"
    return from_text(op, target)


def spark_type(kind: str) -> str:
    """Return the Spark type that holds a type in DuckDB's words."""
    name = kind.partition("(")[0]
    plain = {
        "INTEGER": "INT", "TIMESTAMP": "TIMESTAMP_NTZ", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "VARCHAR": "STRING",
        "TIME": "STRING", "UUID": "STRING", "JSON": "STRING", "DOUBLE[]": "ARRAY<DOUBLE>",
    }  # fmt: skip
    return plain.get(name, kind)


def _between_times(op: Cast, kind: str, target: str) -> str:
    if kind == target:
        return "x"
    if op.timezone is None:
        return f"CAST(x AS {spark_type(target)})"
    return _instant(op, "CAST(x AS TIMESTAMP_NTZ)")


def from_text(op: Cast, target: str) -> str:
    """Return the scalar that reads the text `x`."""
    if op.format is not None and op.to in {"date", "timestamp", "time"}:
        return _read_by_format(op)
    plain = {
        "integer": _whole, "bigint": _whole, "decimal": _decimal, "double": _double, "boolean": _boolean,
    }.get(op.to)  # fmt: skip
    if plain is not None:
        return plain(target)
    return {"date": _date, "timestamp": _moment, "time": _time, "uuid": _uuid, "json": _json}[op.to](op)


def _whole(target: str) -> str:
    digits = f"regexp_replace(regexp_replace(trim(x), '_', ''), {quoted(chr(92) + '.0*' + chr(92) + 's*$')}, '')"
    digits = f"regexp_replace({digits}, {quoted(chr(92) + 's')}, '')"
    return f"CASE WHEN {matches(casting.WHOLE_NUMBER)} THEN TRY_CAST({digits} AS {spark_type(target)}) END"


def _decimal(target: str) -> str:
    return f"CASE WHEN {matches(NUMBER)} THEN TRY_CAST({_spaceless()} AS {target}) END"


def _double(target: str) -> str:
    words = {"inf": "Infinity", "infinity": "Infinity", "-inf": "-Infinity", "-infinity": "-Infinity", "nan": "NaN"}
    words |= {"+inf": "Infinity", "+infinity": "Infinity", "-nan": "NaN", "+nan": "NaN"}
    cases = " ".join(f"WHEN {quoted(word)} THEN CAST({quoted(value)} AS DOUBLE)" for word, value in words.items())
    named = f"CASE lower({_spaceless()}) {cases} END"
    return f"CASE WHEN {matches(NUMBER)} THEN TRY_CAST({_spaceless()} AS DOUBLE) ELSE {named} END"


def _spaceless() -> str:
    return f"regexp_replace(x, {quoted('[_' + chr(92) + 's]')}, '')"


def _boolean(target: str) -> str:
    yes, no = (", ".join(quoted(word) for word in words) for words in (_TRUE, _FALSE))
    return f"CASE WHEN lower(trim(x)) IN ({yes}) THEN TRUE WHEN lower(trim(x)) IN ({no}) THEN FALSE END"


def _date(op: Cast) -> str:
    return f"CASE WHEN {matches(casting.DAY)} THEN TRY_CAST({_stripped()} AS DATE) END"


def _stripped() -> str:
    return f"regexp_replace(x, {quoted('^' + chr(92) + 's+|' + chr(92) + 's+$')}, '')"


def _moment(op: Cast) -> str:
    wall = f"TRY_CAST({_stripped()} AS TIMESTAMP_NTZ)"
    offset = quoted("([+-][0-9]{2}):?([0-9]{2})$")
    whole_hours = quoted("([+-][0-9]{2})$")
    zoned = f"regexp_replace(regexp_replace({_stripped()}, {whole_hours}, '$1:00'), {offset}, '$1:$2')"
    world = f"TRY_CAST({zoned} AS TIMESTAMP)"
    if op.timezone is None:
        world = f"CAST({world} AS TIMESTAMP_NTZ)"
    return (
        f"CASE WHEN {_stripped()} < '0001' THEN NULL WHEN {matches(casting.MOMENT)} THEN {_instant(op, wall)} "
        f"WHEN {matches(casting.MOMENT_WITH_OFFSET)} THEN {world} END"
    )


def _instant(op: Cast, wall: str) -> str:
    """Turn a time on the wall of the cast's zone into an instant."""
    if op.timezone is None or op.to != "timestamp":
        return wall
    return f"to_utc_timestamp({wall}, {quoted(op.timezone)})"


def _time(op: Cast) -> str:
    return f"CASE WHEN {matches(casting.TIME_OF_DAY)} THEN {_time_of(_on_a_day())} END"


def _on_a_day() -> str:
    return f"TRY_CAST(concat('2000-01-01 ', {_stripped()}) AS TIMESTAMP_NTZ)"


def _time_of(moment: str) -> str:
    """Return the time of day as text: seconds with as many digits as they need."""
    text = f"date_format({moment}, 'HH:mm:ss.SSSSSS')"
    return f"regexp_replace(regexp_replace({text}, {quoted('0+$')}, ''), {quoted(chr(92) + '.$')}, '')"


def _uuid(op: Cast) -> str:
    digits = f"lower(regexp_replace(x, {quoted('[{}-]')}, ''))"
    parts = quoted("^(.{8})(.{4})(.{4})(.{4})(.{12})$")
    return f"CASE WHEN {matches(casting.UUID_TEXT)} THEN regexp_replace({digits}, {parts}, '$1-$2-$3-$4-$5') END"


def _json(op: Cast) -> str:
    return "CASE WHEN try_parse_json(x) IS NOT NULL THEN x END"


def _read_by_format(op: Cast) -> str:
    assert op.format is not None
    read = f"CAST(try_to_timestamp(x, {quoted(java_format(op.format))}) AS TIMESTAMP_NTZ)"
    if op.to == "time":
        return _time_of(read)
    return f"CAST({read} AS DATE)" if op.to == "date" else _instant(op, read)


def java_format(text: str) -> str:
    """Turn a strptime format into a pattern of Java's."""
    made, is_code = "", False
    for character in text:
        if is_code:
            made += _UNITS.get(character, f"'%{character}'")
            is_code = False
        elif character == "%":
            is_code = True
        else:
            made += "''" if character == "'" else f"'{character}'" if character.isalpha() else character
    return made
