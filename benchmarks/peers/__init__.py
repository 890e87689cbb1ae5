"""Other ways to drain a table of events, each a script for an interpreter of its own: `prepare` fills, `drain` drains.

They import nothing of Kaireon. `protocol` is what they share with `benchmarks.outbox_lab.contest`, which runs them.
"""
