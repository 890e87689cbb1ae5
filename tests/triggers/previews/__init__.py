"""Tests of previews of schedules."""
