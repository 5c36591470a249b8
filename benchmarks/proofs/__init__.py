"""Proves that nobody walks through anything: what the tests and `benchmarks.proofs.proof` share."""
