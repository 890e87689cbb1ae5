"""Masks of file names, and whether they overlap."""
