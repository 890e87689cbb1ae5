"""Tests of the words of reports, and of who writes them."""
