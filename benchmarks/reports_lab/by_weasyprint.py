"""WeasyPrint beside our PDF: the same rows as a plain table whose header repeats; run in the peers' environment."""

import io
import sys
from html import escape

from weasyprint import HTML
from weasyprint.text.fonts import FontConfiguration

from benchmarks.reports_lab.gauge import Sink, gauge
from benchmarks.reports_lab.rows import LABELS, Rows, texts

STYLE = """@page{size:A4;margin:16mm;@bottom-right{content:"Page " counter(page) " of " counter(pages);font-size:7pt}}
body{font:8pt "Noto Sans","DejaVu Sans",sans-serif}table{border-collapse:collapse;width:100%}
td,th{padding:2pt 4pt;border-bottom:.4pt solid #ddd;text-align:left}thead{display:table-header-group}
td:nth-child(n+4):nth-child(-n+7){text-align:right}"""


def page(count: int) -> str:
    """Return the page of so many rows."""
    head = "".join(f"<th>{escape(label)}</th>" for label in LABELS)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in texts(row)) + "</tr>" for row in Rows(count))
    title = "<title>Weekly report</title>"
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<html><head>{title}<style>{STYLE}</style></head><body><h1>Offer performance</h1>{table}</body></html>"


def main() -> None:
    """Render once to warm up, once to be measured."""
    fonts = FontConfiguration()

    def render(sink: Sink, count: int) -> None:
        file = io.BytesIO()
        HTML(string=page(count)).write_pdf(file, font_config=fonts)
        sink.write(file.getvalue())

    render(Sink(), 20)
    gauge(lambda sink: render(sink, int(sys.argv[1])))


if __name__ == "__main__":
    main()
