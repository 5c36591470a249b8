"""The families of maps, a module each: every one a pure function of a seed, an index and a few parameters."""
