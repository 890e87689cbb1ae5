"""Tests of the scheduler's status and of the ledger as it is read."""
