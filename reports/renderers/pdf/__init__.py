"""A report as PDF, by reportlab: pages for a board, with the fonts that its scripts need inside."""

from reports.renderers.pdf.writing import write_pdf

__all__ = ["write_pdf"]
