"""What benchmarks/triggers.py measures with."""
