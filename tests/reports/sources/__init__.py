"""Tests of the data sources of reports."""
