"""What tables by offer, channel or another group share: names, and a note on what is not shown."""

from interactions.selectors.breakdowns import Group


def name_of(key: str | None, name: str | None, what: str) -> str:
    """Return a group's name in the catalogue, else its id; where the rows say neither, that there is none."""
    return name or key or f"(no {what})"


def names_of(group: Group, what: tuple[str, ...]) -> tuple[str, ...]:
    """Return a group's names, one for each dimension."""
    return tuple(name_of(*each) for each in zip(group.keys, group.names, what, strict=True))


def rest_note(shown: int, count: int, what: str, order: str) -> str:
    """Say which part of the groups the table shows; empty when it shows all."""
    if shown >= count:
        return ""
    return f"Shows {shown:,} of {count:,} {what}: those with the most {order}. The figures count all of them."
