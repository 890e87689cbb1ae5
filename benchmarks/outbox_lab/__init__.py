"""The parts of `benchmarks/outbox.py`: the database server, the contest, and one module for each question."""
