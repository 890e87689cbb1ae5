"""Random recurrence rules, and what dateutil makes of them."""

import random
from collections.abc import Sequence

from kaireon.platform.cadence import CadenceError
from kaireon.platform.cadence.rules import parse_rule

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY")
INTERVALS = (2, 3, 4, 5, 7, 10, 13, 15, 30, 45, 60, 90, 720, 1440)


def random_rule(dice: random.Random, *, with_ends: bool = False) -> str:
    """Return a rule of any frequency with a few parts, which may never be due."""
    frequency = dice.choice(FREQUENCIES)
    parts = [f"FREQ={frequency}"]
    if dice.random() < 0.5:
        is_fine = frequency in {"HOURLY", "MINUTELY"}
        parts.append(f"INTERVAL={dice.choice((*INTERVALS, dice.randint(1, 2000))) if is_fine else dice.randint(1, 4)}")
    parts += _day_parts(dice, frequency)
    for name, high in (("BYHOUR", 23), ("BYMINUTE", 59)):
        if dice.random() < 0.3:
            parts.append(f"{name}={_some(dice, 0, high, 6)}")
    if dice.random() < 0.2:
        # Where dateutil goes through every minute of a century in vain, one that is due.
        most = 1 if frequency in {"HOURLY", "MINUTELY"} else dice.choice((2, 5, 30))
        parts.append(f"BYSETPOS={_some(dice, 1, most, 3, is_signed=True)}")
    if dice.random() < 0.4:
        parts.append(f"WKST={dice.choice(WEEKDAYS)}")
    if with_ends and dice.random() < 0.2:
        parts.append(f"COUNT={dice.randint(1, 40)}")
    dice.shuffle(parts)
    rule = ";".join(parts)
    return rule if is_followed(rule) else random_rule(dice, with_ends=with_ends)


def is_followed(rule: str) -> bool:
    """Tell whether a rule is one of those that are not refused for what following them costs."""
    try:
        parse_rule(rule)
    except CadenceError as refusal:
        return not any(word in refusal.message for word in ("BYSETPOS", "INTERVAL of", "COUNT that"))
    return True


def _day_parts(dice: random.Random, frequency: str) -> list[str]:
    parts = []
    if dice.random() < 0.25:
        parts.append(f"BYMONTH={_some(dice, 1, 12, 4)}")
    if dice.random() < 0.25:
        parts.append(f"BYMONTHDAY={_some(dice, 1, 31, 4, is_signed=True)}")
    if dice.random() < 0.15:
        parts.append(f"BYYEARDAY={_some(dice, 1, 366, 30, is_signed=True)}")
    if frequency == "YEARLY" and dice.random() < 0.3:
        parts.append(f"BYWEEKNO={_some(dice, 1, 53, 6, is_signed=True)}")
    if dice.random() < 0.35:
        parts.append(f"BYDAY={','.join(_days(dice, frequency, parts))}")
    return parts


def _days(dice: random.Random, frequency: str, parts: Sequence[str]) -> list[str]:
    """Return plain weekdays or counted ones: of both together dateutil makes none, where the RFC means either."""
    days = dice.sample(WEEKDAYS, dice.randint(1, 4))
    if frequency not in {"YEARLY", "MONTHLY"} or dice.random() < 0.4:
        return days
    is_of_months = frequency == "MONTHLY" or any(part.startswith("BYMONTH=") for part in parts)
    # Beyond the end of a month dateutil fails on its own lists.
    counts = (1, 2, 3, 4, 5, -1, -2, -5) if is_of_months else (1, 10, 52, 53, -1, -20, -53)
    return [f"{dice.choice(counts)}{day}" for day in days]


def _some(dice: random.Random, low: int, high: int, most: int, *, is_signed: bool = False) -> str:
    signs = (1, -1) if is_signed else (1,)
    numbers = {dice.randint(low, high) * dice.choice(signs) for _ in range(dice.randint(1, most))}
    return ",".join(map(str, numbers))
