"""What `benchmarks/reports.py` is made of."""
