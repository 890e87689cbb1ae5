"""Tests of the renderers: other libraries read what was written."""
