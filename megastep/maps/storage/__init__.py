"""Storage: map sets and other arrays in files, hashed, memory-mapped, and never half-written."""
