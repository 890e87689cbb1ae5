"""Spark, when the settings say so."""
