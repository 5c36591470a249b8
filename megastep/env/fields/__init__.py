"""Geodesic fields, as `megastep.env.navigation` has them: how their tables are made, and the files that keep them."""
