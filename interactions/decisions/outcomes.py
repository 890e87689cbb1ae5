"""The words of an outcome: what kind of event it is, and whether it is good news."""

from dataclasses import dataclass
from enum import StrEnum


class Classification(StrEnum):
    """Whether an outcome is good news."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    NEUTRAL = "neutral"


class Category(StrEnum):
    """Whether an outcome says that something was shown, or what the customer did then."""

    IMPRESSION = "impression"
    RESPONSE = "response"


class Direction(StrEnum):
    """Who began: the customer (inbound) or the company (outbound)."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True)
class OutcomeDefinition:
    """One outcome type as every tenant starts with it."""

    key: str
    name: str
    description: str
    classification: Classification
    category: Category


# In the order in which they are listed; the documented system defaults.
SYSTEM_OUTCOMES = (
    OutcomeDefinition(
        "impression",
        "Impression",
        "The offer was shown.",
        Classification.NEUTRAL,
        Category.IMPRESSION,
    ),
    OutcomeDefinition(
        "click",
        "Click",
        "The customer clicked.",
        Classification.POSITIVE,
        Category.RESPONSE,
    ),
    OutcomeDefinition(
        "dismiss",
        "Dismiss",
        "The customer closed it.",
        Classification.NEGATIVE,
        Category.RESPONSE,
    ),
    OutcomeDefinition(
        "accept",
        "Accept",
        "The customer accepted.",
        Classification.POSITIVE,
        Category.RESPONSE,
    ),
    OutcomeDefinition(
        "convert",
        "Convert",
        "The customer bought or signed up.",
        Classification.POSITIVE,
        Category.RESPONSE,
    ),
    OutcomeDefinition(
        "not_presented",
        "Not presented",
        "It was chosen and never shown.",
        Classification.NEUTRAL,
        Category.IMPRESSION,
    ),
    OutcomeDefinition(
        "requested_info",
        "Requested info",
        "The customer asked for more.",
        Classification.POSITIVE,
        Category.RESPONSE,
    ),
    OutcomeDefinition(
        "not_interested",
        "Not interested",
        "The customer declined.",
        Classification.NEGATIVE,
        Category.RESPONSE,
    ),
    OutcomeDefinition(
        "expired",
        "Expired",
        "The offer ran out.",
        Classification.NEUTRAL,
        Category.RESPONSE,
    ),
    OutcomeDefinition(
        "deferred",
        "Deferred",
        "The customer wants it later.",
        Classification.NEUTRAL,
        Category.RESPONSE,
    ),
)
