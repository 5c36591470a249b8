"""Potentially visible sets: finds the walls that may be seen from each cell of a map."""
