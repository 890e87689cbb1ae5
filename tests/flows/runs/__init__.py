"""Tests of runs: how they begin, are held, take files, commit and end."""
