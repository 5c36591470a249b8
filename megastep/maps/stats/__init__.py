"""What maps are like, as numbers: see `megastep.MapSet.stats`, and `apartments` for how near real homes are."""
