"""Texts in Spark's SQL."""


def quoted(text: str) -> str:
    """Write a text as a literal: Spark reads a backslash as the beginning of an escape."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def named(name: str) -> str:
    """Write a name as an identifier."""
    return "`" + name.replace("`", "``") + "`"
