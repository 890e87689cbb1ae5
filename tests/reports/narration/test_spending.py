"""Prices, caps, and what is left to spend."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.narrative.spending import (
    PRICES,
    Caps,
    Spending,
    Usage,
    cap_refusal,
    cost_of,
    price_of,
    tokens_in_bytes,
)


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("gemini-2.5-flash", ("0.30", "2.50")),
        ("models/gemini-2.5-flash", ("0.30", "2.50")),
        ("gemini-2.5-flash-001", ("0.30", "2.50")),
        ("gemini-2.5-flash-lite", ("0.10", "0.40")),
        ("gpt-4.1-mini-2025-04-14", ("0.40", "1.60")),
        ("openai/gpt-5", ("1.25", "10.00")),
        ("claude-sonnet-4-20250514", ("3.00", "15.00")),
        ("claude-haiku-4-5-20251001", ("1.00", "5.00")),
        ("claude-opus-5", ("5.00", "25.00")),
        ("claude-opus-4-9", None),
        ("gpt-5-pro", None),
        ("gpt-5.9", None),
        ("gpt-5-", None),
        ("gemini-2.5-flash-image-preview", None),
        ("llama3.1", None),
        ("", None),
    ],
)
def test_a_price_is_that_of_the_very_model(model: str, price: tuple[str, str] | None) -> None:
    assert price_of(model) == (None if price is None else (Decimal(price[0]), Decimal(price[1])))


def test_every_price_is_known_by_its_own_name() -> None:
    assert {model: price_of(model) for model in PRICES} == {
        model: (Decimal(read), Decimal(written)) for model, (read, written) in PRICES.items()
    }


def test_a_million_tokens_cost_the_price() -> None:
    assert cost_of("gpt-4o", 1_000_000, 1_000_000) == Spending(2_000_000, Decimal("12.50"))
    assert cost_of("gpt-4o", 0, 0) == Spending(0, Decimal(0))
    assert cost_of("unknown", 10, 20, is_estimate=True) == Spending(30, None, is_estimate=True)


@pytest.mark.parametrize(
    ("first", "second", "total"),
    [
        (Spending(1, Decimal(1)), Spending(2, Decimal(3)), Spending(3, Decimal(4))),
        (Spending(1, None), Spending(2, Decimal(3)), Spending(3, Decimal(3))),
        (Spending(1, None), Spending(2, None), Spending(3, None)),
        (Spending(), Spending(2, None, is_estimate=True), Spending(2, None, is_estimate=True)),
    ],
)
def test_spendings_add_up(first: Spending, second: Spending, total: Spending) -> None:
    assert first + second == total


@pytest.mark.parametrize(
    ("caps", "usage", "expected", "words"),
    [
        (Caps(100), Usage(0), Spending(100), ""),
        (Caps(100), Usage(0), Spending(101), "daily cap of 100 tokens leaves 100; this narrative may need 101"),
        (Caps(100), Usage(99), Spending(2), "leaves 1"),
        (Caps(100), Usage(500), Spending(1), "leaves 0"),
        (Caps(0), Usage(0), Spending(0), ""),
        (Caps(0), Usage(0), Spending(1), "daily cap of 0 tokens"),
        (Caps(monthly_usd=Decimal(1)), Usage(), Spending(1, Decimal(1)), ""),
        (Caps(monthly_usd=Decimal(1)), Usage(), Spending(1, Decimal("1.0001")), "monthly cap of 1.00 US dollars"),
        (Caps(monthly_usd=Decimal(1)), Usage(0, Decimal(1)), Spending(1, Decimal("0.01")), "1.00 are spent"),
        (Caps(monthly_usd=Decimal(1)), Usage(0, Decimal(1)), Spending(1, None), ""),
        (Caps(monthly_usd=Decimal(0)), Usage(), Spending(1, None), "monthly cap of 0.00"),
    ],
)
def test_a_cap_is_held_before_a_call(caps: Caps, usage: Usage, expected: Spending, words: str) -> None:
    refusal = cap_refusal(caps, usage, expected)

    assert words in refusal
    assert bool(refusal) is bool(words)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_call_that_is_let_through_never_ends_beyond_the_cap(cap: int, used: int, expected: int) -> None:
    refusal = cap_refusal(Caps(cap), Usage(used), Spending(expected))

    assert bool(refusal) is (used + expected > cap)


@pytest.mark.parametrize(("size", "tokens"), [(0, 0), (1, 1), (3, 1), (4, 2), (300, 100)])
def test_tokens_are_estimated_rather_too_high(size: int, tokens: int) -> None:
    assert tokens_in_bytes(size) == tokens
