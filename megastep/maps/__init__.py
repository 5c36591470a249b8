"""Floorplans as data: one map, many maps, on disk and in memory, and what is known of them; no torch."""
