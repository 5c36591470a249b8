"""Training runs: their folder, log, checkpoints, and the loop that learns and evaluates."""
