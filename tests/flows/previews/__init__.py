"""Tests of what an editor is shown of a pipeline before it runs."""
