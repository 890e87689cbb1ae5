"""The words and rules of flows that need neither a database nor a clock."""
