"""Questions about triggers: is the scheduler alive, what comes next, why did it not run."""
