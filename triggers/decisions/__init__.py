"""Pure rules of when a pipeline runs: what is due, what becomes of it, which masks overlap."""
