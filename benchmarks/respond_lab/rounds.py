"""Rounds in turn: every contender once, then all again, so that what disturbs the machine disturbs them all."""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from benchmarks.generators.http_load import PLACE, Job
from benchmarks.outbox_lab.lab import ROOT
from benchmarks.respond_lab import databases
from benchmarks.respond_lab.servers import Server, postgres_cpu

BODY = {
    "customerId": "customer-4711", "outcome": "click", "idempotencyKey": PLACE.decode(), "recommendationId": "rec-815",
    "rank": 1, "offerId": "offer-7", "channelId": "web", "placementId": "home-hero",
    "context": {"page": "/offers", "device": "mobile"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Round:
    """What one contender did in one round."""

    rate: float
    p50: float
    p99: float
    web_cpu: float
    database_cpu: float


@dataclass(slots=True)
class Contender:
    """Where requests go, and what came of them."""

    name: str
    server: Server
    path: str
    database: str
    headers: dict[str, str] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)

    def median(self, figure: str) -> float:
        """Return the median over the rounds of a figure."""
        return statistics.median(getattr(each, figure) for each in self.rounds)


def compete(contenders: Sequence[Contender], *, rounds: int, seconds: float, connections: int) -> None:
    """Load each in turn, the order reversed from round to round; a first pass of each is not counted."""
    for each in contenders:
        _load(each, seconds, connections)
    for number in range(rounds):
        for each in contenders if number % 2 == 0 else contenders[::-1]:
            each.rounds.append(_load(each, seconds, connections))
            print(".", end="", flush=True)
    print(flush=True)


def _load(contender: Contender, seconds: float, connections: int) -> Round:
    databases.clear(contender.database)
    job = Job(contender.server.port, contender.path, json.dumps(BODY), contender.headers, connections, seconds)
    web, database = contender.server.cpu(), postgres_cpu()
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.generators.http_load"], input=json.dumps(asdict(job)), capture_output=True,
        check=True, encoding="utf-8", cwd=ROOT,
    )  # fmt: skip
    web, database = contender.server.cpu() - web, postgres_cpu() - database
    found = json.loads(answer.stdout)
    times = sorted(found["milliseconds"])
    number = len(times)
    if found["statuses"] != {"201": number}:
        raise RuntimeError(f"{contender.name}: {found['statuses']}")
    if (written := databases.counts(contender.database)) != (number, number):
        raise RuntimeError(f"{contender.name}: {number} answers, but {written} events and interactions")
    return Round(
        rate=number / found["seconds"], p50=times[number // 2], p99=times[int(number * 0.99)],
        web_cpu=web / number * 1000, database_cpu=database / number * 1000,
    )  # fmt: skip


def ratio(one: Contender, other: Contender) -> float:
    """Return the median over the rounds of what one did per what the other did in the same round."""
    return statistics.median(a.rate / b.rate for a, b in zip(one.rounds, other.rounds, strict=True))
