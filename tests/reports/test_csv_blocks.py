"""One table out of a report's CSV: blocks are parted by blank lines outside of quotes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.csv_blocks import lines_of, table_of_block

FILE = (
    b'Report\r\nSummary,"Two\r\n\r\nparagraphs"\r\n\r\n'
    b'"A ""title""\r\nof two lines"\r\nOffer,Count\r\n"a,\r\n\r\nb",1\r\nc,2\r\n\r\n'
    b'Empty\r\nOffer\r\n\r\nLast\r\nOffer\r\n""\r\nz\r\n'
)


@pytest.mark.parametrize(
    ("number", "table"),
    [
        (0, b'Summary,"Two\r\n\r\nparagraphs"\r\n'),
        (1, b'Offer,Count\r\n"a,\r\n\r\nb",1\r\nc,2\r\n'),
        (2, b"Offer\r\n"),
        (3, b'Offer\r\n""\r\nz\r\n'),
        (4, b""),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_block_is_its_table_without_its_title(number: int, table: bytes, size: int) -> None:
    pieces = [FILE[start : start + size] for start in range(0, len(FILE), size)]

    assert b"".join(table_of_block(lines_of(pieces), number)) == table


@given(st.lists(st.binary(max_size=20)))
def test_lines_lose_nothing(pieces: list[bytes]) -> None:
    lines = list(lines_of(pieces))

    assert b"".join(lines) == b"".join(pieces)
    assert all(line.count(b"\n") <= 1 for line in lines)
