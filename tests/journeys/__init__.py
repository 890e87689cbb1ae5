"""Whole journeys, from the command line or the wire to the row."""
