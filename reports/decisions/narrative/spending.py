"""What a narrative costs, and whether there is anything left to spend."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

# A token of English or JSON is about four bytes long; three errs on the dear side.
_BYTES_IN_TOKEN: Final = 3
_MILLION: Final = 1_000_000
# From the providers' price pages, in US dollars for a million tokens.
PRICES_READ_ON: Final = "2026-11-21"
# A model that is not here has no known price.
PRICES: Final[dict[str, tuple[str, str]]] = {
    "gemini-2.5-flash": ("0.30", "2.50"),
    "gemini-2.5-flash-lite": ("0.10", "0.40"),
    "gemini-2.5-pro": ("1.25", "10.00"),
    "gpt-4o": ("2.50", "10.00"),
    "gpt-4o-mini": ("0.15", "0.60"),
    "gpt-4.1": ("2.00", "8.00"),
    "gpt-4.1-mini": ("0.40", "1.60"),
    "gpt-4.1-nano": ("0.10", "0.40"),
    "gpt-5": ("1.25", "10.00"),
    "gpt-5-mini": ("0.25", "2.00"),
    "gpt-5-nano": ("0.05", "0.40"),
    "claude-haiku-4-5": ("1.00", "5.00"),
    "claude-sonnet-4": ("3.00", "15.00"),
    "claude-sonnet-4-5": ("3.00", "15.00"),
    "claude-sonnet-4-6": ("3.00", "15.00"),
    "claude-sonnet-5": ("2.00", "10.00"),
    "claude-opus-4-5": ("5.00", "25.00"),
    "claude-opus-4-6": ("5.00", "25.00"),
    "claude-opus-4-7": ("5.00", "25.00"),
    "claude-opus-4-8": ("5.00", "25.00"),
    "claude-opus-5": ("5.00", "25.00"),
}


@dataclass(frozen=True, slots=True)
class Spending:
    """Tokens read and written by a model, and what they cost in US dollars: None where no price is known.

    `is_estimate` when the provider did not say, for instance because it never answered.
    """

    tokens: int = 0
    usd: Decimal | None = None
    is_estimate: bool = False

    def __add__(self, other: "Spending") -> "Spending":
        known = [each.usd for each in (self, other) if each.usd is not None]
        is_estimate = self.is_estimate or other.is_estimate
        return Spending(self.tokens + other.tokens, sum(known, Decimal(0)) if known else None, is_estimate)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tenant has spent so far: tokens since midnight UTC, US dollars since the first of the month, UTC."""

    tokens_today: int = 0
    usd_this_month: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Caps:
    """What a tenant may spend: the guardrails `llmDailyTokens` and `llmMonthlyUsd`."""

    daily_tokens: int = 200_000
    monthly_usd: Decimal = Decimal(50)


def price_of(model: str) -> tuple[Decimal, Decimal] | None:
    """Return a model's prices for a million tokens read and written, in US dollars; None when they are not known.

    A dated name such as `gpt-4.1-mini-2025-04-14` costs what its model does; another variant is another model.
    """
    name = model.rpartition("/")[2]
    fitting = [known for known in PRICES if name == known or _is_dated(name, known)]
    if not fitting:
        return None
    read, written = PRICES[max(fitting, key=len)]
    return Decimal(read), Decimal(written)


def _is_dated(name: str, known: str) -> bool:
    rest = name.removeprefix(known).replace("-", "")
    return name.startswith(f"{known}-") and rest.isdigit() and len(rest) >= 3


def cost_of(model: str, tokens_in: int, tokens_out: int, *, is_estimate: bool = False) -> Spending:
    """Return what so many tokens cost."""
    price = price_of(model)
    usd = None if price is None else (tokens_in * price[0] + tokens_out * price[1]) / _MILLION
    return Spending(tokens_in + tokens_out, usd, is_estimate)


def tokens_in_bytes(size: int) -> int:
    """Return about how many tokens a text of so many bytes has, rather too many than too few."""
    return -(-size // _BYTES_IN_TOKEN)


def cap_refusal(caps: Caps, usage: Usage, expected: Spending) -> str:
    """Say which cap a further call would break, empty when it breaks none. A cap of 0 allows no call at all."""
    if usage.tokens_today + expected.tokens > caps.daily_tokens:
        return (
            f"The daily cap of {caps.daily_tokens:,} tokens leaves {max(0, caps.daily_tokens - usage.tokens_today):,}; "
            f"this narrative may need {expected.tokens:,}."
        )
    if usage.usd_this_month + (expected.usd or 0) > caps.monthly_usd or not caps.monthly_usd:
        return (
            f"The monthly cap of {caps.monthly_usd:,.2f} US dollars is reached: "
            f"{usage.usd_this_month:,.2f} are spent and this narrative may cost {expected.usd or 0:,.4f}."
        )
    return ""
