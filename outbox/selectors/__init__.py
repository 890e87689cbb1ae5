"""Questions about the outbox: backlog, held keys, dead letters, publishers, what was published lately."""
