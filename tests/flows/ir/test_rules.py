"""Row rules: what each text means, and what is no rule."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.ir.patterns import pattern_refusal
from flows.ir.rules import Rule, RuleRefused, read_rule

RULES: dict[str, Rule] = {
    "not_null": Rule("not_null"),
    "gt:0": Rule("gt", "0", number=Decimal(0)),
    "gte:-1.50": Rule("gte", "-1.50", number=Decimal("-1.50")),
    "lt:1e3": Rule("lt", "1e3", number=Decimal(1000)),
    "lte:2026-01-31": Rule("lte", "2026-01-31"),
    "eq:paid": Rule("eq", "paid"),
    "eq: paid": Rule("eq", " paid"),
    "eq:a:b": Rule("eq", "a:b"),
    "eq:Infinity": Rule("eq", "Infinity"),
    "eq:NaN": Rule("eq", "NaN"),
    "in:a,b": Rule("in", "a,b", values=("a", "b")),
    "in:a,,b": Rule("in", "a,,b", values=("a", "", "b")),
    "in:a,a": Rule("in", "a,a", values=("a",)),
    r"in:a\,b,c\\": Rule("in", r"a\,b,c\\", values=("a,b", "c\\")),
    r"in:\d,x" + "\\": Rule("in", r"\d,x" + "\\", values=(r"\d", "x\\")),
    r"regex:^\d{5}$": Rule("regex", r"^\d{5}$"),
    "regex:a:b": Rule("regex", "a:b"),
    "length:5": Rule("length", "5", least=5, most=5),
    "length:1..20": Rule("length", "1..20", least=1, most=20),
    "length:1..": Rule("length", "1..", least=1),
    "length:..20": Rule("length", "..20", most=20),
    "length:0": Rule("length", "0", least=0, most=0),
}
REFUSED = {
    "": "is no rule", "gt": "is no rule", "gt:": "needs something", "above:0": "is no rule", "GT:0": "is no rule",
    " gt:0": "is no rule", "not_null:": "takes no argument", "not_null:x": "takes no argument",
    "in:": "needs something",
    "regex:": "needs something", "regex:(": "cannot be read", "regex:(?=a)": "cannot be read",
    r"regex:(a)\1": "cannot be read", "regex:a{2000}": "cannot be read", "length:": "needs something",
    "length:x": "takes a number", "length:..": "takes a number", "length:5..1": "runs backwards",
    "length:-1": "takes a number", "length:1.5": "takes a number", "length:12345678": "takes a number",
    "length:1..2..3": "takes a number", "length:٥": "takes a number",
}  # fmt: skip


@pytest.mark.parametrize("text", RULES, ids=range(len(RULES)))
def test_a_rule_is_read(text: str) -> None:
    assert read_rule(text) == RULES[text]


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        read_rule(text)

    assert REFUSED[text] in refused.value.message


@given(st.one_of(st.text(max_size=40), st.builds("{}:{}".format, st.sampled_from(["gt", "in", "regex"]), st.text())))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    try:
        rule = read_rule(text)
    except RuleRefused:
        return

    assert text.startswith(rule.kind)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5, unique=True))
def test_any_values_can_be_listed(values: list[str]) -> None:
    written = ",".join(value.replace("\\", "\\\\").replace(",", "\\,") for value in values)
    if not written:
        return

    assert read_rule(f"in:{written}").values == tuple(values)


@pytest.mark.parametrize(
    ("pattern", "is_refused"),
    [("a+", False), ("(?i)a", False), ("[(?=]", False), ("(?<=a)", True), ("a++", True), ("(" * 2_000, True)],
    ids=["plain", "flag", "class", "behind", "possessive", "deep"],
)
def test_a_pattern_is_one_of_re2(pattern: str, is_refused: bool) -> None:
    assert bool(pattern_refusal(pattern)) is is_refused


def test_a_pattern_that_takes_others_forever_is_quick() -> None:
    assert pattern_refusal("(a*)*" * 50 + "b") == ""
