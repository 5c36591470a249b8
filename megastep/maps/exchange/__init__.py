"""Import and export of map sets: what `megastep.MapSet` has of it, by format."""
