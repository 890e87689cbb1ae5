"""A clock for servers under test: faster than real, shared by all of them, and flapping apart from each other."""

import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Each process takes another offset so often, in real seconds.
FLAP_SECONDS = 0.25


@dataclass(frozen=True)
class SimulatedClock:
    """`origin` at the real time `began` (since the epoch), `speed` simulated seconds in a real one."""

    began: float
    origin: datetime
    speed: float
    flap: float = 0.0

    def true_now(self) -> datetime:
        """Return the simulated time."""
        return self.origin + timedelta(seconds=(time.time() - self.began) * self.speed)

    def now(self) -> datetime:
        """Return what this process believes the time is: off by up to `flap` simulated seconds, forwards and back."""
        turn = random.Random(f"{os.getpid()}-{time.time() // FLAP_SECONDS}")
        return self.true_now() + timedelta(seconds=turn.uniform(-self.flap, self.flap))

    def environment(self) -> dict[str, str]:
        """Return the variables that tell a process of this clock."""
        return {
            "SIMULATED_BEGAN": repr(self.began), "SIMULATED_ORIGIN": self.origin.isoformat(),
            "SIMULATED_SPEED": repr(self.speed), "SIMULATED_FLAP": repr(self.flap),
        }  # fmt: skip

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "SimulatedClock":
        """Return the clock that these variables tell of."""
        return cls(
            float(environment["SIMULATED_BEGAN"]),
            datetime.fromisoformat(environment["SIMULATED_ORIGIN"]).astimezone(UTC),
            float(environment["SIMULATED_SPEED"]), float(environment["SIMULATED_FLAP"]),
        )  # fmt: skip
