"""Tests of the pages that people see."""
