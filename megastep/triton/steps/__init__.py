"""The kernels of a step around the physics and the renderer: before it, after it, and where episodes end and begin."""
