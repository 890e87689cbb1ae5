"""Dashboards: what they are made of, how they are read, shown, exported and saved."""
