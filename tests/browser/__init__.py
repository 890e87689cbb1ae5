"""Tests that drive Debian's Chromium against a live server, as a person would."""
