"""Charts: a section's rows become a plot, the plot a picture of lines, boxes and labels, and the picture SVG or PDF.

One geometry for both, so that a chart looks the same in the mail's PDF and on the page.
"""
