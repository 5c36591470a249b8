"""Statistics of maps: see `megastep.MapSet.stats`, and `apartments` for distances to those of real homes."""
