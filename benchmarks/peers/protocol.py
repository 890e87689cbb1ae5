"""What a contender says to the contest: `ready`, then after a line from it the result, then it waits to be let go.

It waits before it leaves so that the contest can read the CPU time of its connections, which end with it.
"""

import json
import sys
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

TOPIC = "interaction.recorded.v1"
KEYS = 10_000


def await_start() -> float:
    """Say that everything is imported and connected, wait for the start and return its time."""
    print("ready", flush=True)
    sys.stdin.readline()
    return time.perf_counter()


def finish(events: int, began: float, ended: float | None = None) -> None:
    """Tell the result and stay until the contest has read what it needs."""
    seconds = (ended or time.perf_counter()) - began
    print(json.dumps({"events": events, "seconds": seconds}), flush=True)
    sys.stdin.readline()


def payloads(count: int) -> Iterator[dict[str, object]]:
    """Make the payloads: about 500 bytes of JSON each, of KEYS customers in turn."""
    for number in range(count):
        yield {
            "customerId": f"customer-{number % KEYS}",
            "interactionId": f"00000000-0000-7000-8000-{number:012d}",
            "outcome": "click",
            "channelId": "web",
            "offerId": f"offer-{number % 40}",
            "context": f"{number:08d} " + "Lorem ipsum dolor sit amet. " * 11,
        }


def parts_of(dsn: str) -> tuple[str, str, str]:
    """Return user, socket folder and database of the contest's address."""
    parts = urlsplit(dsn)
    return parts.username or "postgres", parse_qs(parts.query)["host"][0], parts.path.strip("/")
