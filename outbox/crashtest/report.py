"""The findings in words, and as JSON."""

from dataclasses import asdict
from typing import Any, Final

from outbox.crashtest.judging import COUNTS, Row
from outbox.crashtest.running import Findings

_TITLES: Final = ("kills", "events", "published", "lost", "duplicated", "out of order", "stuck")
_NAME_WIDTH: Final = 22


def as_table(findings: Findings) -> str:
    """Return the table with a line for each place, and what is to be said beside it."""
    rows = [*findings.verdict.rows, findings.verdict.total]
    lines = [
        f"{findings.written:,} events committed, {findings.backend}, {findings.seconds:.0f} s",
        "",
        " " * _NAME_WIDTH + "".join(f"{title:>14}" for title in _TITLES),
        *map(_line, rows),
        "",
        *_beside(findings),
    ]
    return "\n".join([*lines, _conclusion(findings)])


def as_json(findings: Findings) -> dict[str, Any]:
    """Return the same as an object."""
    verdict = findings.verdict
    return {
        "clean": findings.is_clean, "complete": findings.is_complete, "backend": findings.backend,
        "written": findings.written,
        "seconds": round(findings.seconds, 1), "places": [_camel(row) for row in verdict.rows],
        "total": _camel(verdict.total), "unexplainedDuplicates": verdict.unexplained, "altered": verdict.altered,
        "phantoms": verdict.phantoms, "deadLetters": findings.dead, "leftoverClaims": findings.leftovers,
        "leasesLost": findings.leases_lost, "endedAlone": findings.ended_alone, "errors": dict(findings.errors),
        "otherPublishers": findings.others,
    }  # fmt: skip


def _conclusion(findings: Findings) -> str:
    if findings.is_clean:
        return "Nothing was lost, out of order or stuck."
    if findings.verdict.is_clean and not findings.is_complete:
        return f"NO PROOF: wanted were {findings.wanted.events:,} events and {findings.wanted.rounds:,} kills."
    return "FAULT: the outbox broke its word."


def _line(row: Row) -> str:
    return f"{row.name:<{_NAME_WIDTH}}" + "".join(f"{getattr(row, name):>14,}" for name in COUNTS)


def _camel(row: Row) -> dict[str, Any]:
    return {"outOfOrder" if name == "out_of_order" else name: value for name, value in asdict(row).items()}


def _beside(findings: Findings) -> list[str]:
    verdict = findings.verdict
    counts = (
        (verdict.unexplained, "deliveries that no kill explains"),
        (verdict.altered, "deliveries with other content"),
        (verdict.phantoms, "deliveries of events that were never committed"),
        (findings.dead, "dead letters"),
        (findings.leftovers, "claims of dead publishers still name keys"),
        (findings.leases_lost, "events whose lease ended before they were settled: the machine was too slow for it"),
    )
    lines = [f"{count:,} {words}" for count, words in counts if count]
    lines += [f"a publisher ended by itself with code {code}" for code in findings.ended_alone]
    lines += [f"{count} × in the publishers' log: {message}" for message, count in findings.errors.most_common(5)]
    if findings.others:
        lines.append(f"Other publishers lived on this database and took part: {', '.join(findings.others)}")
    return lines
