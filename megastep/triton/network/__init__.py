"""The kernels of learning: the policy's network, and scores. Their twins, in PyTorch, are in `megastep.learning`."""
