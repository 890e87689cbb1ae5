"""File arrival: mirroring, arriving, polling, releasing, sharing."""
