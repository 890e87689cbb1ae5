"""A report as one HTML page: self-contained, without scripts or anything fetched, light and dark, and good on paper."""

from reports.renderers.html.page import write_html

__all__ = ["write_html"]
