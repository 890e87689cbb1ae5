"""Reports: figures of a period as a document, and its files.

What is rendered is a `Document` (`reports.decisions.document`). Sources make its tables, the narration its words, the
renderers its files; none of the three knows another.
"""
