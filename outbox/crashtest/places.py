"""Where a publisher is when it dies: at a boundary that it reports, or somewhere between two of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Step(StrEnum):
    """What a publisher reports, one character each; `publishing` comes from the back end's wrapper."""

    CLAIMED = "c"
    PUBLISHING = "b"
    PUBLISHED = "p"
    SETTLING = "s"
    SETTLED = "d"


class Place(StrEnum):
    """Where it died, in the words of the report."""

    CLAIMED = "at claimed"
    PUBLISHED = "at published"
    SETTLING = "at settling"
    SETTLED = "at settled"
    IN_CLAIM = "in a claim"
    IN_PUBLISH = "in a publish"
    IN_COMMIT = "in a settlement"
    IN_DRAIN = "in a drain"


@dataclass(frozen=True, slots=True)
class Target:
    """How a round kills: held at a boundary, or so soon after one that it is still on its way to the next.

    Of a drain `step` is what it does when SIGTERM arrives.
    """

    place: Place
    step: Step
    is_held: bool = False
    is_drain: bool = False


TARGETS: Final = (
    Target(Place.CLAIMED, Step.CLAIMED, is_held=True),
    Target(Place.PUBLISHED, Step.PUBLISHED, is_held=True),
    Target(Place.SETTLING, Step.SETTLING, is_held=True),
    Target(Place.SETTLED, Step.SETTLED, is_held=True),
    Target(Place.IN_CLAIM, Step.SETTLED),
    Target(Place.IN_PUBLISH, Step.PUBLISHING),
    Target(Place.IN_COMMIT, Step.SETTLING),
    Target(Place.IN_DRAIN, Step.PUBLISHING, is_drain=True),
)
# From the last step that was heard of to the next one, when nobody was held there.
_UNDER_WAY: Final = {
    Step.CLAIMED: Place.CLAIMED,
    Step.PUBLISHING: Place.IN_PUBLISH,
    Step.PUBLISHED: Place.PUBLISHED,
    Step.SETTLING: Place.IN_COMMIT,
    Step.SETTLED: Place.IN_CLAIM,
}


def place_of_death(target: Target, last: Step) -> Place:
    """Return where it really died: a publisher that was too quick for the shot is counted where it was hit."""
    if target.is_held and last == target.step:
        return target.place
    return Place.IN_DRAIN if target.is_drain else _UNDER_WAY[last]
