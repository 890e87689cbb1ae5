"""Large reports: memory that does not grow with the rows, and cost that grows with them and no faster."""

import cProfile
import json
import pstats
import subprocess
import sys
import time
from typing import Final

import pytest

from reports.decisions.document import Document
from reports.renderers.pdf.grid import Grid, Layout
from reports.renderers.pdf.lettering import runs_of
from tests.architecture.sources import REPOSITORY
from tests.reports.renderers.world import Generated, document, offers, rendered, rendered_section

MEBIBYTE: Final = 2**20
# Renders in a process of its own, and prints the bytes by which its memory grew at most.
MEASURE: Final = """
import io, json, sys
from pathlib import Path
from tests.reports.renderers.world import Generated, document, offers
from reports.renderers import render

class Counting:
    written = 0
    def write(self, data):
        self.written += len(data)

def memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))

form, rows = sys.argv[1], int(sys.argv[2])
render(document(), form, io.BytesIO())
Path("/proc/self/clear_refs").write_text("5")
before, file = memory("VmRSS"), Counting()
render(document(offers(rows=Generated(rows))), form, file)
print(json.dumps({"grown": memory("VmHWM") - before, "written": file.written}))
"""


def grown(form: str, rows: int) -> dict[str, int]:
    """Return by how many bytes a process grows that renders so many rows, and how many it writes."""
    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, form, str(rows)], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    found: dict[str, int] = json.loads(answer.stdout)
    return found


@pytest.mark.parametrize(
    ("form", "rows", "most"),
    [("csv", 100_000, 30), ("html", 100_000, 60), ("markdown", 100_000, 60), ("pdf", 100_000, 180)],
)
def test_a_hundred_thousand_rows_take_bounded_memory(form: str, rows: int, most: int) -> None:
    found = grown(form, rows)

    assert found["written"] > 500_000
    assert found["grown"] < most * MEBIBYTE, f"{found['grown'] / MEBIBYTE:.0f} MiB"


def test_csv_takes_no_more_memory_for_more_rows() -> None:
    few, many = grown("csv", 20_000), grown("csv", 200_000)

    assert many["written"] > 9 * few["written"]
    assert many["grown"] < few["grown"] + 8 * MEBIBYTE


def test_a_table_is_parted_in_the_time_of_its_pages() -> None:
    rows = [(f"row {number}", str(number)) for number in range(20_000)]
    grid = Grid(Layout(["Name", "Number"], rows, [100.0, 100.0], [False, True]))

    started, parts, rest = time.perf_counter(), 0, [grid]
    while len(rest := rest[-1].split(500, 700)) == 2:
        parts += 1
    seconds = time.perf_counter() - started

    assert parts > 400
    assert seconds < 1


def test_ten_times_the_rows_cost_at_most_twelve_times_as_much() -> None:
    small, large = (calls(document(offers(rows=Generated(rows), chart=None))) for rows in (400, 4_000))

    assert large < 12 * small


def calls(whole: Document) -> int:
    """Return how many calls the PDF of a report takes, which a busy machine does not change."""
    runs_of.cache_clear()
    profile = cProfile.Profile()
    profile.runcall(rendered, whole, "pdf")
    return pstats.Stats(profile).total_calls  # type: ignore[attr-defined,no-any-return]


def test_rows_that_are_made_as_they_are_read_are_all_written() -> None:
    data = rendered_section(document(offers(rows=Generated(3_001))), "offers")

    lines = data.decode().split("\r\n")
    assert len(lines) == 3_001 + 2
    assert lines[3_001].startswith("offer 3000,0,30,")
