"""Tests of what flows are asked: how lists grow, and go on page by page."""
