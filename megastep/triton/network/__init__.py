"""The kernels of the policy's network. Their twins, in PyTorch, are in `megastep.learning.model`."""
