"""The words of a report, and the rule that code owns every number in them. Pure.

A model writes sentences with slots (`{{s1.revenue.by}}`); `slots` makes them from the document, `checks` refuses a
text that holds a figure of its own, `filling` puts the figures in. `plain` writes the text that needs no model.
"""
