"""Trigger secrets."""
