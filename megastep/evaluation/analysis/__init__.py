"""Analyses of a table of episodes: statistics with intervals, gaps, comparisons, tables, the worst episodes."""
