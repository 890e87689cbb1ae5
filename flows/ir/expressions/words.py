"""The text of an expression before it is parsed: its length, its nesting, and each function it calls, by name."""

import re
from collections.abc import Sequence
from typing import Final

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from flows.ir.base import MAX_TEXT
from flows.ir.expressions.functions import FUNCTIONS, SPECIAL_FORMS
from flows.ir.expressions.refusal import ExpressionRefused

MAX_TOKENS: Final = 1_000
MAX_NESTING: Final = 16
MAX_PREFIXES: Final = 4
DIALECT: Final = "duckdb"
_UNREADABLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_WORD: Final = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE | re.ASCII)
# Words before a parenthesis that call nothing.
_BEFORE_PARENTHESES: Final = frozenset({
    "and", "or", "not", "in", "when", "then", "else", "case", "between", "like", "ilike", "is", "escape", "from",
    "distinct", "interval",
})  # fmt: skip
_SIGNS: Final = frozenset(
    ["(", ")", ",", ".", "+", "-", "*", "/", "//", "%", "||", "=", "==", "<>", "!=", "<", "<=", ">", ">=", "::"]
)
_SIZED_TYPES: Final = frozenset({"decimal", "numeric"})
_STATEMENTS: Final = frozenset({
    "select", "with", "union", "intersect", "except", "values", "insert", "update", "delete", "drop", "create",
    "alter", "attach", "copy", "over",
})  # fmt: skip
_PREFIXES: Final = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE, TokenType.INTERVAL})


def check_words(text: str) -> None:
    """Refuse what need not be parsed to be refused; a text that passes is short and flat enough for the parser."""
    if not text.strip():
        raise ExpressionRefused("The expression is empty.")
    if len(text) > MAX_TEXT:
        raise ExpressionRefused(f"The expression is longer than {MAX_TEXT:,} characters.")
    if found := _UNREADABLE.search(text):
        raise ExpressionRefused(f"The expression holds the control character U+{ord(found[0]):04X}.")
    tokens = _tokens(text)
    _check_size(tokens)
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        _check_token(token)
        is_call = after is not None and after.token_type == TokenType.L_PAREN
        if is_call:
            _check_call(before, token)
        elif _is_word(token, "if"):
            raise ExpressionRefused('IF is called: if(condition, then, else). A column of that name is written "if".')


def _tokens(text: str) -> Sequence[Token]:
    try:
        tokens = sqlglot.tokenize(text, dialect=DIALECT)
    except SqlglotError as error:
        raise ExpressionRefused("The expression has a quotation mark or a comment that does not end.") from error
    if not tokens:
        raise ExpressionRefused("The expression is empty.")
    if len(tokens) > MAX_TOKENS:
        raise ExpressionRefused(f"The expression has more than {MAX_TOKENS:,} words and signs.")
    return tokens


def _check_size(tokens: Sequence[Token]) -> None:
    """Refuse deep nesting: parentheses and CASE within each other, signs and NOT in a row."""
    depth = run = 0
    for token in tokens:
        kind = token.token_type
        if kind in {TokenType.L_PAREN, TokenType.CASE}:
            depth += 1
        elif kind in {TokenType.R_PAREN, TokenType.END}:
            depth -= 1
        run = run + 1 if kind in _PREFIXES else 0
        if depth > MAX_NESTING or run > MAX_PREFIXES:
            raise ExpressionRefused(f"The expression nests deeper than {MAX_NESTING} levels.")


def _check_token(token: Token) -> None:
    if token.comments:
        raise ExpressionRefused("Comments may not stand in an expression.")
    if token.token_type == TokenType.SEMICOLON:
        raise ExpressionRefused("One expression is allowed, and no semicolon.")
    is_value = token.token_type in {TokenType.STRING, TokenType.IDENTIFIER, TokenType.NUMBER}
    if not is_value and token.text not in _SIGNS and not token.text.isidentifier():
        raise ExpressionRefused(f"{token.text[:40]} is not allowed in expressions; the names of columns can be quoted.")
    if _is_word(token, *_STATEMENTS):
        raise ExpressionRefused(
            f"{token.text.upper()} may not stand in an expression: no statement, sub-query or window. "
            f'A column of that name is written "{token.text}".'
        )


def _is_word(token: Token, *words: str) -> bool:
    """Tell whether a token is one of these words, and neither a text nor a quoted name."""
    return token.token_type not in {TokenType.STRING, TokenType.IDENTIFIER} and token.text.lower() in words


def _check_call(before: Token | None, token: Token) -> None:
    if token.token_type == TokenType.IDENTIFIER:
        raise ExpressionRefused(f'"{token.text[:60]}" is a column and cannot be called.')
    name = token.text.lower()
    if token.token_type == TokenType.STRING or not _WORD.fullmatch(name) or name in _BEFORE_PARENTHESES:
        return
    is_type = name in _SIZED_TYPES and before is not None and before.token_type in {TokenType.ALIAS, TokenType.DCOLON}
    if not is_type and name not in FUNCTIONS and name not in SPECIAL_FORMS:
        raise ExpressionRefused(f"The function {name[:60]} is not allowed in expressions.")
