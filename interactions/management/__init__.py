"""Operator commands of this area."""
