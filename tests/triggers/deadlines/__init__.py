"""Deadlines of file triggers."""
