"""Rules of triggers, as tables."""
