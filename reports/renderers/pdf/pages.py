"""The sheets: cover, upright and lying pages, with their footers, in a platypus document."""

from typing import IO, Any, Final

from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus.doctemplate import BaseDocTemplate, PageTemplate
from reportlab.platypus.frames import Frame

from reports.decisions.document import Document
from reports.renderers.cells import clean
from reports.renderers.pdf.blocks import COLOURS
from reports.renderers.pdf.fonts import REGULAR, face_named
from reports.renderers.pdf.lettering import draw, shortened, width_of
from reports.renderers.wording import title_of

MARGIN: Final = 46.0
FOOT: Final = 54.0
UPRIGHT, LYING, COVER = "upright", "lying", "cover"
UPRIGHT_WIDTH: Final = A4[0] - 2 * MARGIN
LYING_WIDTH: Final = A4[1] - 2 * MARGIN
PAGE_HEIGHT: Final = A4[1] - MARGIN - FOOT
_TOTAL: Final = "total"
_SIZE: Final = 7.5


class ReportCanvas(Canvas):  # type: ignore[misc]
    """Writes how many pages there are when it knows: into a form that each page's footer shows."""

    write_file = Canvas.save

    def save(self) -> None:
        """Write the number of pages, then the file."""
        self.beginForm(_TOTAL, 0, -4, 60, 12)
        self.setFillColor(COLOURS["muted"])
        draw(self, 0, 0, str(self.getPageNumber() - 1), _SIZE)
        self.endForm()
        self.write_file()


class Sheets(BaseDocTemplate):  # type: ignore[misc]
    """A document of A4 pages: a cover, upright pages, and lying ones for wide tables."""

    def __init__(self, document: Document, file: IO[bytes]) -> None:
        self.title_text = title_of(document)
        self.tenant = clean(document.tenant_name)
        face_named(REGULAR)
        super().__init__(
            file, pagesize=A4, title=self.title_text, author=self.tenant or "Kaireon", creator="Kaireon",
            producer="Kaireon", subject=clean(document.period), lang="en", displayDocTitle=1, invariant=1,
            pageCompression=1, initialFontName=REGULAR, initialFontSize=10,
        )  # fmt: skip
        self.addPageTemplates([self._cover(), self._template(UPRIGHT, A4), self._template(LYING, landscape(A4))])

    def _cover(self) -> PageTemplate:
        frame = Frame(MARGIN + 14, FOOT, UPRIGHT_WIDTH - 28, A4[1] - 170 - FOOT, 0, 0, 0, 0)
        return PageTemplate(COVER, [frame], onPage=_cover_band, onPageEnd=self._footer, pagesize=A4)

    def _template(self, name: str, size: tuple[float, float]) -> PageTemplate:
        frame = Frame(MARGIN, FOOT, size[0] - 2 * MARGIN, size[1] - MARGIN - FOOT, 0, 0, 0, 0)
        return PageTemplate(name, [frame], onPageEnd=self._footer, pagesize=size)

    def _footer(self, canvas: Any, _: BaseDocTemplate) -> None:
        width = canvas._pagesize[0]
        canvas.setStrokeColor(COLOURS["line"])
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, 40, width - MARGIN, 40)
        canvas.setFillColor(COLOURS["muted"])
        told = self.title_text if not self.tenant else f"{self.title_text} · {self.tenant}"
        draw(canvas, MARGIN, 28, shortened(told, width - 2 * MARGIN - 90, _SIZE), _SIZE)
        words = f"Page {canvas.getPageNumber()} of "
        left = width - MARGIN - width_of(f"{words}000", _SIZE)
        draw(canvas, left, 28, words, _SIZE)
        canvas.saveState()
        canvas.translate(left + width_of(words, _SIZE), 28)
        canvas.doForm(_TOTAL)
        canvas.restoreState()


def _cover_band(canvas: Any, _: BaseDocTemplate) -> None:
    canvas.setFillColor(COLOURS["brand"])
    canvas.rect(0, A4[1] - 14, A4[0], 14, stroke=0, fill=1)
    canvas.rect(MARGIN, FOOT + 20, 3, A4[1] - 170 - FOOT - 20, stroke=0, fill=1)
