"""Entries of lookup tables: the few nodes that shortest paths from each cell of a grid go through, and their choice."""
