"""Benchmarks and proofs: `python -m benchmarks` for an overview; `python -m benchmarks --help` says what else."""

import os

# Before PyTorch comes: threads that spin while they wait slow a machine that has other work to a twentieth.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
