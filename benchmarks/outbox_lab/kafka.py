"""A Kafka for benchmarks: the mock cluster of the tests, which speaks the real protocol in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.outbox_lab.lab import ROOT
from benchmarks.peers.protocol import TOPIC

PARTITIONS = 4


@contextmanager
def mock_cluster() -> Iterator[str]:
    """Run a cluster of one broker and yield its address."""
    script = ROOT / "tests" / "outbox" / "mock_kafka.py"
    command = [sys.executable, str(script), "--brokers=1", f"--topic={TOPIC}:{PARTITIONS}"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, encoding="utf-8") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        address = process.stdout.readline().strip()
        assert address, "the mock cluster did not start"
        try:
            yield address
        finally:
            process.stdin.close()
