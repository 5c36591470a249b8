"""How fast megastep is: `python -m benchmarks` for the envs, `python -m benchmarks mapgen` for the map generator."""

import os

# Before PyTorch comes: threads that spin while they wait slow a machine that has other work to a twentieth.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
