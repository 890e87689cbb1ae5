"""Claims: 100,000 rows become CSV within 3 times COPY … TO STDOUT and 150 MB; a PDF is 8 times as fast as WeasyPrint's.

Seconds and memory above idle for 1,000, 10,000 and 100,000 rows of eight columns to each format, each in a process of
its own that is warm. CSV stands beside COPY of the same rows from the same table: rendered from rows at hand, and read
from the server on the way. PDF stands beside WeasyPrint and fpdf2 in their environment; 10,000 rows may cost at most 12
times 1,000. `--quick` is one round without fpdf2, `--no-peers` without both.
"""

import argparse
import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
# A server of its own: the benchmark makes a database on it.
os.environ["KAIREON_DATA_DIR"] = str(ROOT / ".kaireon" / "bench" / "reports")
os.environ["DATABASE_URL"] = os.environ["DATABASE_URL_FILE"] = ""

from kaireon.environment import prepare  # noqa: E402 - reads the variables above

SERVER = prepare()
django.setup()

from benchmarks.generators.telling import stopping, tell  # noqa: E402
from benchmarks.outbox_lab import lab  # noqa: E402
from benchmarks.reports_lab.measured import Measure, measured  # noqa: E402
from benchmarks.reports_lab.rows import Rows  # noqa: E402

DATABASE = "reports"
OURS = "benchmarks.reports_lab.ours"
FORMATS = ("csv", "html", "markdown", "pdf")
SIZES = (1_000, 10_000, 100_000)
COPY_MARK, MEMORY_MARK, PEER_MARK, GROWTH_MARK = 3.0, 150.0, 8.0, 12.0


def main() -> None:
    """Measure and print the tables and the verdicts."""
    options = _options()
    rounds = 1 if options.quick else options.rounds
    print(lab.versions(with_peers=False), flush=True)
    fill(max(SIZES))
    ours = show_ours(rounds)
    show_csv(ours, rounds)
    show_pdf(ours, rounds, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="of which the median is printed")
    parser.add_argument("--quick", action="store_true", help="one round, without fpdf2")
    parser.add_argument("--no-peers", action="store_true", help="without WeasyPrint and fpdf2")
    return parser.parse_args()


def fill(count: int) -> None:
    """Make the table that COPY and we read."""
    lab.fresh_database(DATABASE)
    with lab.connect(DATABASE) as connection:
        connection.execute(
            "CREATE TABLE report_rows (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, offer text, channel text, "
            "day date, impressions bigint, clicks bigint, rate double precision, revenue numeric(18, 2), "
            "last_click timestamptz)"
        )
        into = "COPY report_rows (offer, channel, day, impressions, clicks, rate, revenue, last_click) FROM STDIN"
        with connection.cursor().copy(into) as copy:
            for row in Rows(count):
                copy.write_row(row)
    lab.settle(DATABASE)


def show_ours(rounds: int) -> dict[tuple[str, int], Measure]:
    """Print what each format costs; PDF, HTML and Markdown show the first 10,000 rows."""
    print(f"\n{'rows to a file, median of ' + str(rounds):30}{'seconds':>9}{'MB above idle':>15}{'MB written':>12}")
    found = {}
    for form in FORMATS:
        for size in SIZES:
            each = found[form, size] = measured(sys.executable, OURS, form, size, rounds=rounds)
            _line(f"{form} {size:,}", each)
    return found


def show_csv(ours: dict[tuple[str, int], Measure], rounds: int) -> None:
    """Print CSV beside COPY."""
    address, count = lab.dsn_of(DATABASE), SIZES[-1]
    print(f"\n{f'{count:,} rows to CSV':30}{'seconds':>9}{'MB above idle':>15}{'MB written':>12}")
    copied = measured(sys.executable, "benchmarks.reports_lab.copied", count, address, rounds=rounds)
    read = measured(sys.executable, OURS, "csv", count, address, rounds=rounds)
    _line("COPY … TO STDOUT", copied)
    _line("ours, rows at hand", ours["csv", count])
    _line("ours, read from the server", read)
    tell("rows at hand / COPY", ours["csv", count].seconds / copied.seconds, COPY_MARK, at_most=True)
    tell("read from the server / COPY", read.seconds / copied.seconds, COPY_MARK, at_most=True)
    tell("MB above idle", max(read.megabytes, ours["csv", count].megabytes), MEMORY_MARK, at_most=True)


def show_pdf(ours: dict[tuple[str, int], Measure], rounds: int, options: argparse.Namespace) -> None:
    """Print PDF beside its peers."""
    tell(
        "PDF: 10,000 rows / 1,000 rows",
        ours["pdf", 10_000].seconds / ours["pdf", 1_000].seconds,
        GROWTH_MARK,
        at_most=True,
    )
    if options.no_peers:
        return
    python = lab.ready_peers()
    print(f"\n{'1,000 rows to PDF':30}{'seconds':>9}{'MB above idle':>15}{'MB written':>12}")
    _line("ours", ours["pdf", 1_000])
    for name in ("weasyprint",) if options.quick else ("weasyprint", "fpdf2"):
        peer = measured(python, f"benchmarks.reports_lab.by_{name}", 1_000, rounds=rounds)
        _line(name, peer)
        times = peer.seconds / ours["pdf", 1_000].seconds
        mark = f" (mark: at least {PEER_MARK:g}) {'kept' if times >= PEER_MARK else 'MISSED'}"
        print(f"as fast as {name}: {times:.1f} times{mark if name == 'weasyprint' else ''}", flush=True)


def _line(name: str, each: Measure) -> None:
    print(f"{name:30}{each.seconds:9.3f}{each.megabytes:15.1f}{each.written / 1e6:12.2f}", flush=True)


if __name__ == "__main__":
    with stopping(SERVER):
        main()
