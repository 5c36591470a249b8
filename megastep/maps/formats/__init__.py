"""Floorplans from files that others made, and to files that others read: a module a format."""
