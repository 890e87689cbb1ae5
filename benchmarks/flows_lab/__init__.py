"""What `benchmarks/flows.py` measures: our own run, and what others load the same rows with."""
