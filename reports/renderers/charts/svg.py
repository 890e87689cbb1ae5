"""A picture as inline SVG: colours by class, so that the page's light and dark styles reach it; no script, no link."""

from html import escape

from reports.renderers.cells import clean
from reports.renderers.charts.pictures import TEXT, Box, Dot, Label, Line, Mark, Path, Picture

_AVERAGE_LETTER = 0.56


def svg_of(picture: Picture) -> str:
    """Return the picture as an element; its title is what a screen reader says."""
    inside = "".join(_element(mark) for mark in picture.marks)
    title = escape(clean(picture.title))
    size = f'viewBox="0 0 {_number(picture.width)} {_number(picture.height)}"'
    return f'<svg class="chart" role="img" aria-label="{title}" {size}><title>{title}</title>{inside}</svg>'


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _element(mark: Mark) -> str:
    n = _number
    match mark:
        case Line():
            return (
                f'<line class="{mark.role}" x1="{n(mark.x1)}" y1="{n(mark.y1)}" x2="{n(mark.x2)}" y2="{n(mark.y2)}"/>'
            )
        case Box():
            at = f'x="{n(mark.x)}" y="{n(mark.y)}" width="{n(mark.width)}" height="{n(mark.height)}"'
            return f'<rect class="f-{mark.role}" {at} rx="1.5"/>'
        case Dot():
            return f'<circle class="f-{mark.role}" cx="{n(mark.x)}" cy="{n(mark.y)}" r="{n(mark.radius)}"/>'
        case Path():
            points = " ".join(f"{n(x)},{n(y)}" for x, y in mark.points)
            return f'<polyline class="s-{mark.role}" points="{points}"/>'
        case Label():
            text = escape(shortened(clean(mark.text), mark.width))
            return (
                f'<text class="t-{mark.role}" x="{n(mark.x)}" y="{n(mark.y)}" text-anchor="{mark.anchor}">{text}</text>'
            )


def shortened(text: str, width: float | None) -> str:
    """Return a text that takes no more than a width, by a letter's usual one; wide scripts count double."""
    if width is None:
        return text
    left = width / (_AVERAGE_LETTER * TEXT)
    for place, letter in enumerate(text):
        left -= 1.8 if ord(letter) >= 0x2E80 else 1
        if left < 0:
            return f"{text[: max(0, place - 1)].rstrip()}…"
    return text
