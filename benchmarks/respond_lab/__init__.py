"""The parts of `benchmarks/respond.py`: databases, servers, and rounds in turn."""
