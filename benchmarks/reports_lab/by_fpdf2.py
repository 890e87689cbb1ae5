"""fpdf2 beside our PDF: the same rows by its table, with an embedded font; run in the peers' environment."""

import sys
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import FontFace

from benchmarks.reports_lab.gauge import Sink, gauge
from benchmarks.reports_lab.rows import LABELS, Rows, texts

FONTS = Path(__file__).resolve().parent.parent.parent / "reports" / "renderers" / "fonts"


class Sheet(FPDF):
    """Pages that say which they are of how many."""

    def footer(self) -> None:
        """Write the page's number."""
        self.set_y(-12)
        self.cell(0, 8, f"Page {self.page_no()} of {{nb}}", align="R")


def render(sink: Sink, count: int) -> None:
    """Render so many rows."""
    pdf = Sheet()
    pdf.add_font("Noto", "", FONTS / "NotoSans-Regular.ttf")
    pdf.add_font("Noto", "B", FONTS / "NotoSans-Bold.ttf")
    pdf.set_font("Noto", size=8)
    pdf.add_page()
    aligned = ("L", "L", "L", "R", "R", "R", "R", "L")
    with pdf.table(
        headings_style=FontFace(emphasis="BOLD"), text_align=aligned, borders_layout="HORIZONTAL_LINES",
        col_widths=(34, 20, 19, 21, 15, 17, 19, 28), line_height=4,
    ) as table:  # fmt: skip
        table.row(LABELS)
        for row in Rows(count):
            table.row(texts(row))
    sink.write(bytes(pdf.output()))


def main() -> None:
    """Render once to warm up, once to be measured."""
    render(Sink(), 20)
    gauge(lambda sink: render(sink, int(sys.argv[1])))


if __name__ == "__main__":
    main()
