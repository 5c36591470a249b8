"""Exact geometry on the integer lattice: rectangles, polygons, clearance, rasters, symmetries."""
