"""The twins of a step's kernels around the physics and the renderer."""
