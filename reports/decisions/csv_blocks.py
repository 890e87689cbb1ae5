"""Take one table out of a report's CSV file: blocks are parted by a blank line that stands outside of quotes."""

from collections.abc import Iterable, Iterator

BLANK = b"\r\n"


def table_of_block(lines: Iterable[bytes], number: int) -> Iterator[bytes]:
    """Yield the lines of block `number` without its title; block 0 is what stands before the first section.

    `lines` end with a line feed and are read up to the end of the block, one in memory at a time.
    """
    block, is_quoted, is_title = 0, False, True
    for line in lines:
        if not is_quoted and line == BLANK:
            block, is_title = block + 1, True
            if block > number:
                return
            continue
        if block == number and not is_title:
            yield line
        # A quote inside of a quoted cell is doubled, so that only their number counts.
        is_quoted ^= line.count(b'"') % 2 == 1
        is_title = is_title and is_quoted


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a file that comes in pieces, each with its line feed."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest
