"""What triggers do: tick, take in arrivals, release what is held, backfill, watch deadlines, keep secrets."""
