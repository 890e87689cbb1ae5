"""Values as text, spelled as PostgreSQL spells them."""

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from flows.targets.encoding.families import family_of_arrow


def text_of(values: pa.Array) -> pa.Array:
    """Return the values as strings: times without zeros at their end, UTC as `+00`, bytes in hex, lists as JSON."""
    family = family_of_arrow(values.type)
    if family == "nested":
        return json_of(values)
    if family == "binary":
        return pa.array([None if value is None else "\\x" + value.hex() for value in values.to_pylist()], pa.string())
    if family == "timestamp":
        return _timestamps(values)
    if family == "time":
        return _trimmed(values.cast(pa.time64("us")).cast(pa.string()))
    return values.cast(pa.string())


def json_of(values: pa.Array) -> pa.Array:
    """Return lists, structs and maps as JSON texts, every digit of a decimal kept.

    NaN and infinity come out as such, which is no JSON: PostgreSQL refuses the row.
    """
    table = pa.table({"v": values})
    with duckdb.connect(config={"threads": 1}) as writer:
        writer.register("given", table)
        found = writer.sql("SELECT to_json(v)::VARCHAR AS v FROM given").to_arrow_table()
    return found.column(0).combine_chunks().cast(pa.string())


def _timestamps(values: pa.Array) -> pa.Array:
    zone = values.type.tz
    plain = values.cast(pa.timestamp("us", zone), safe=False).cast(pa.timestamp("us"))
    texts = _trimmed(plain.cast(pa.string()))
    return texts if zone is None else pc.binary_join_element_wise(texts, "+00", "")


def _trimmed(texts: pa.Array) -> pa.Array:
    """Leave out zeros at the end of the fraction, and a fraction of nothing else."""
    return pc.replace_substring_regex(pc.replace_substring_regex(texts, r"\.0+$", ""), r"(\.\d*[1-9])0+$", r"\1")
