"""Tests of the publishers: every back end against a real one, or the nearest thing that speaks its protocol."""
