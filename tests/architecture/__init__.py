"""Tests of the whole: every route, every role, every file."""
