"""The publisher tier: a loop that claims, publishes and acknowledges, in a process of its own."""
